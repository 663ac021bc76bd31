package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/quic-go/quic-go"
)

// Bulk transfer as bench/quic-bulk does it: the client opens streams and asks with one byte on each, the server sends an
// equal share of --bytes on every one, the client closes when it has all. With --datagrams the server sends DATAGRAMs
// without end instead, and the client closes when as many bytes have arrived.
const bulkALPN = "bulk"

// The windows of both stacks are alike, so that neither is held back by flow control.
func bulkConfig() *quic.Config {
	return &quic.Config{
		InitialStreamReceiveWindow:     1 << 20,
		MaxStreamReceiveWindow:         16 << 20,
		InitialConnectionReceiveWindow: 1 << 20,
		MaxConnectionReceiveWindow:     24 << 20,
		MaxIncomingStreams:             1000,
		EnableDatagrams:                true,
	}
}

type sideResult struct {
	Bytes           int64   `json:"bytes"`
	Seconds         float64 `json:"seconds"`
	CPUSeconds      float64 `json:"cpuSeconds"`
	PacketsSent     uint64  `json:"packetsSent"`
	PacketsReceived uint64  `json:"packetsReceived"`
	PacketsLost     uint64  `json:"packetsLost"`
	Datagrams       int64   `json:"datagrams"`
}

func report(conn *quic.Conn, bytes, datagrams int64, start time.Time, cpu float64) error {
	stats := conn.ConnectionStats()
	return result(sideResult{
		Bytes: bytes, Seconds: time.Since(start).Seconds(), CPUSeconds: cpuSeconds() - cpu,
		PacketsSent: stats.PacketsSent, PacketsReceived: stats.PacketsReceived, PacketsLost: stats.PacketsLost,
		Datagrams: datagrams,
	})
}

// bulkServer serves one connection, then ends.
func bulkServer(o *options) error {
	listener, err := listen(o, bulkConfig(), bulkALPN)
	if err != nil {
		return err
	}
	conn, err := listener.Accept(context.Background())
	if err != nil {
		return err
	}
	start, cpu := time.Now(), cpuSeconds()
	share := o.bytes / int64(o.streams)
	for range o.streams {
		stream, err := conn.AcceptStream(conn.Context())
		if err != nil {
			return err
		}
		if o.datagrams == 0 {
			go sendShare(stream, share)
		}
	}
	var datagrams int64
	if o.datagrams > 0 {
		datagrams = sendDatagrams(conn, o.datagrams)
	}
	<-conn.Context().Done()
	return report(conn, share*int64(o.streams), datagrams, start, cpu)
}

// sendDatagrams sends until the client closes.
func sendDatagrams(conn *quic.Conn, size int) (sent int64) {
	payload := make([]byte, size)
	for conn.SendDatagram(payload) == nil {
		sent++
	}
	return sent
}

func sendShare(stream *quic.Stream, share int64) {
	chunk := make([]byte, 1<<20)
	_, _ = io.Copy(io.Discard, stream)
	for share > 0 {
		n, err := stream.Write(chunk[:min(share, int64(len(chunk)))])
		if err != nil {
			return
		}
		share -= int64(n)
	}
	_ = stream.Close()
}

func bulkClient(o *options) error {
	cpu := cpuSeconds()
	conn, err := dial(o, bulkConfig(), bulkALPN)
	if err != nil {
		return err
	}
	start := time.Now()
	if o.datagrams > 0 {
		return receiveDatagrams(conn, o, start, cpu)
	}
	received := make(chan int64)
	failed := make(chan error, o.streams)
	for range o.streams {
		stream, err := conn.OpenStreamSync(conn.Context())
		if err != nil {
			return err
		}
		go func() {
			n, err := fetchShare(stream)
			if err != nil {
				failed <- err
				return
			}
			received <- n
		}()
	}
	var total int64
	for range o.streams {
		select {
		case n := <-received:
			total += n
		case err := <-failed:
			return err
		}
	}
	if want := o.bytes / int64(o.streams) * int64(o.streams); total != want {
		return fmt.Errorf("received %d bytes, not %d", total, want)
	}
	if err := report(conn, total, 0, start, cpu); err != nil {
		return err
	}
	return conn.CloseWithError(0, "done")
}

func fetchShare(stream *quic.Stream) (int64, error) {
	if _, err := stream.Write([]byte{0}); err != nil {
		return 0, err
	}
	if err := stream.Close(); err != nil {
		return 0, err
	}
	buffer := make([]byte, 1<<20)
	var total int64
	for {
		n, err := stream.Read(buffer)
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// receiveDatagrams asks as for a stream, and takes what comes instead.
func receiveDatagrams(conn *quic.Conn, o *options, start time.Time, cpu float64) error {
	stream, err := conn.OpenStreamSync(conn.Context())
	if err != nil {
		return err
	}
	if _, err := stream.Write([]byte{0}); err != nil {
		return err
	}
	var bytes, datagrams int64
	for bytes < o.bytes {
		datagram, err := conn.ReceiveDatagram(conn.Context())
		if err != nil {
			return err
		}
		bytes += int64(len(datagram))
		datagrams++
	}
	if err := report(conn, bytes, datagrams, start, cpu); err != nil {
		return err
	}
	return conn.CloseWithError(0, "done")
}
