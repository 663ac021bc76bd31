package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

// The measuring protocol of `cloudbridge quic-perf` (bench/quic-perf/request.ts), with its flags and its results.
const (
	perfALPN      = "perf"
	perfName      = "perf.test"
	requestBytes  = 9
	roundBytes    = 1024
	datagramBytes = 1200
	badRequest    = 1
	// Full packets on a link of 1500 bytes, and connections that are only held open.
	perfPacketBytes = 1452
	perfIdle        = 10 * time.Minute
	grace           = 500 * time.Millisecond
)

func perfConfig() *quic.Config {
	config := bulkConfig()
	config.InitialStreamReceiveWindow = 4 << 20
	config.InitialConnectionReceiveWindow = 4 << 20
	config.MaxIncomingStreams = 1 << 14
	config.MaxIdleTimeout = perfIdle
	config.InitialPacketSize = perfPacketBytes
	config.Allow0RTT = true
	return config
}

func perfServer(o *options) error {
	tlsConfig, err := serverTLS(o, perfALPN)
	if err != nil {
		return err
	}
	if tlsConfig.CurvePreferences, err = perfGroups(o); err != nil {
		return err
	}
	socket, err := listenUDP(o.addr)
	if err != nil {
		return err
	}
	transport := &quic.Transport{Conn: socket}
	listener, err := transport.ListenEarly(tlsConfig, perfConfig())
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening at", socket.LocalAddr())
	for {
		conn, err := listener.Accept(context.Background())
		if err != nil {
			return err
		}
		go servePerf(conn)
	}
}

func listenUDP(addr string) (*net.UDPConn, error) {
	address, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", address)
	if err != nil {
		return nil, err
	}
	_ = socket.SetReadBuffer(8 << 20)
	_ = socket.SetWriteBuffer(8 << 20)
	return socket, nil
}

func servePerf(conn *quic.Conn) {
	for {
		stream, err := conn.AcceptStream(conn.Context())
		if err != nil {
			return
		}
		go answerPerf(conn, stream)
	}
}

func answerPerf(conn *quic.Conn, stream *quic.Stream) {
	request := make([]byte, requestBytes)
	if _, err := io.ReadFull(stream, request); err != nil {
		stream.CancelWrite(badRequest)
		return
	}
	if _, err := io.Copy(io.Discard, stream); err != nil {
		stream.CancelWrite(badRequest)
		return
	}
	value := binary.BigEndian.Uint64(request[1:])
	switch request[0] {
	case 'D':
		sendBytes(stream, value)
	case 'R':
		_, _ = stream.Write(make([]byte, roundBytes))
	case 'G':
		count := make([]byte, 8)
		binary.BigEndian.PutUint64(count, flood(conn, time.Duration(value)*time.Millisecond))
		_, _ = stream.Write(count)
	default:
		stream.CancelWrite(badRequest)
		return
	}
	_ = stream.Close()
}

func sendBytes(stream *quic.Stream, left uint64) {
	chunk := make([]byte, 1<<20)
	for left > 0 {
		n, err := stream.Write(chunk[:min(left, uint64(len(chunk)))])
		if err != nil {
			return
		}
		left -= uint64(n)
	}
}

func flood(conn *quic.Conn, lasting time.Duration) (sent uint64) {
	payload := make([]byte, datagramBytes)
	for until := time.Now().Add(lasting); time.Now().Before(until); sent++ {
		if conn.SendDatagram(payload) != nil {
			return sent
		}
	}
	return sent
}

var perfTests = map[string]func(*options, *perfDialer) error{
	"bulk": perfBulk, "dgram": perfDatagrams, "hs": perfHandshakes, "idle": perfHold, "rr": perfRounds,
}

// perfDialer has one socket for all connections, and counts packets of those that are over.
type perfDialer struct {
	transport *quic.Transport
	remote    *net.UDPAddr
	tls       *tls.Config
}

func perfClient(o *options) error {
	run := perfTests[o.test]
	if run == nil {
		return fmt.Errorf("-test is none of bulk, dgram, hs, idle, rr: %q", o.test)
	}
	remote, err := net.ResolveUDPAddr("udp", o.addr)
	if err != nil {
		return err
	}
	socket, err := listenUDP(":0")
	if err != nil {
		return err
	}
	config, err := perfTLS(o)
	if err != nil {
		return err
	}
	if o.mode != "full" {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(o.concurrency)
	}
	return run(o, &perfDialer{transport: &quic.Transport{Conn: socket}, remote: remote, tls: config})
}

// perfTLS is a client's; without -ca any server will do.
func perfTLS(o *options) (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: perfName, NextProtos: []string{perfALPN}, MinVersion: tls.VersionTLS13}
	if o.ca != "" {
		o.name = perfName
		known, err := clientTLS(o, perfALPN)
		if err != nil {
			return nil, err
		}
		config = known
		config.ClientSessionCache = nil
	}
	groups, err := perfGroups(o)
	config.CurvePreferences = groups
	return config, err
}

// perfGroups is the key exchange that -groups names; nil, which is Go's own choice, without.
func perfGroups(o *options) ([]tls.CurveID, error) {
	switch o.groups {
	case "":
		return nil, nil
	case "x25519":
		return []tls.CurveID{tls.X25519}, nil
	case "x25519mlkem768":
		return []tls.CurveID{tls.X25519MLKEM768}, nil
	}
	return nil, fmt.Errorf("-groups is none of x25519, x25519mlkem768: %q", o.groups)
}

func (d *perfDialer) dial(early bool) (*quic.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if early {
		return d.transport.DialEarly(ctx, d.remote, d.tls, perfConfig())
	}
	return d.transport.Dial(ctx, d.remote, d.tls, perfConfig())
}

func ask(conn *quic.Conn, command byte, value uint64, size int) (*quic.Stream, error) {
	stream, err := conn.OpenStreamSync(conn.Context())
	if err != nil {
		return nil, err
	}
	request := make([]byte, size)
	request[0] = command
	binary.BigEndian.PutUint64(request[1:], value)
	if _, err := stream.Write(request); err != nil {
		return nil, err
	}
	return stream, stream.Close()
}

func printFigures(figures map[string]any) error {
	text, err := json.Marshal(figures)
	if err == nil {
		fmt.Println(string(text))
	}
	return err
}

func perfBulk(o *options, d *perfDialer) error {
	conn, err := d.dial(false)
	if err != nil {
		return err
	}
	before, start, cpu := conn.ConnectionStats(), time.Now(), cpuSeconds()
	var total atomic.Int64
	failed := make(chan error, o.streams)
	for i := range o.streams {
		share := o.bytes / int64(o.streams)
		if i == 0 {
			share += o.bytes % int64(o.streams)
		}
		if o.secs > 0 {
			share = 1 << 50
		}
		stream, err := ask(conn, 'D', uint64(share), requestBytes)
		if err != nil {
			return err
		}
		go func() { failed <- drain(stream, &total) }()
	}
	if o.secs > 0 {
		time.Sleep(time.Duration(o.secs * float64(time.Second)))
	} else {
		for range o.streams {
			if err := <-failed; err != nil {
				return err
			}
		}
	}
	secs, stats, bytes := time.Since(start).Seconds(), conn.ConnectionStats(), total.Load()
	cpu = cpuSeconds() - cpu
	_ = conn.CloseWithError(0, "")
	return printFigures(map[string]any{
		"bytes": bytes, "secs": secs, "gbps": float64(bytes) * 8 / secs / 1e9, "client_cpu": cpu,
		"rx_packets": stats.PacketsReceived - before.PacketsReceived, "tx_packets": stats.PacketsSent - before.PacketsSent,
	})
}

func drain(stream *quic.Stream, total *atomic.Int64) error {
	buffer := make([]byte, 1<<18)
	for {
		n, err := stream.Read(buffer)
		total.Add(int64(n))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func perfDatagrams(o *options, d *perfDialer) error {
	conn, err := d.dial(false)
	if err != nil {
		return err
	}
	secs := o.secs
	if secs == 0 {
		secs = 5
	}
	start, cpu := time.Now(), cpuSeconds()
	var received atomic.Uint64
	go func() {
		for {
			datagram, err := conn.ReceiveDatagram(conn.Context())
			if err != nil {
				return
			}
			if len(datagram) == datagramBytes {
				received.Add(1)
			}
		}
	}()
	stream, err := ask(conn, 'G', uint64(secs*1000), requestBytes)
	if err != nil {
		return err
	}
	count := make([]byte, 8)
	if _, err := io.ReadFull(stream, count); err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	time.Sleep(grace)
	sent, got := binary.BigEndian.Uint64(count), received.Load()
	cpu = cpuSeconds() - cpu
	_ = conn.CloseWithError(0, "")
	return printFigures(map[string]any{
		"sent": sent, "received": got, "secs": took, "kpps": float64(got) / took / 1000,
		"loss_pct": 100 * (float64(sent) - float64(got)) / max(float64(sent), 1), "client_cpu": cpu,
	})
}

// repeat runs work so many times at once, until the count is reached or the time is over.
func repeat(o *options, work func() error) (float64, error) {
	start := time.Now()
	var taken atomic.Int64
	failed := make(chan error, o.concurrency)
	for range o.concurrency {
		go func() {
			for {
				over := taken.Add(1) > int64(o.count)
				if o.secs > 0 {
					over = time.Since(start).Seconds() >= o.secs
				}
				if over {
					failed <- nil
					return
				}
				if err := work(); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	for range o.concurrency {
		if err := <-failed; err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds(), nil
}

func perfHandshakes(o *options, d *perfDialer) error {
	var handshakes, resumed, early, failures atomic.Int64
	one := func(counts bool) error {
		conn, err := d.dial(o.mode == "0rtt")
		if err != nil {
			failures.Add(1)
			return nil
		}
		if o.mode != "full" {
			// A ticket comes after the handshake; an answer is a sign that it is there.
			stream, err := ask(conn, 'D', 1, requestBytes)
			if err == nil {
				_, err = io.Copy(io.Discard, stream)
			}
			if err != nil {
				failures.Add(1)
				return nil
			}
		}
		select {
		case <-conn.HandshakeComplete():
		case <-conn.Context().Done():
			failures.Add(1)
			return nil
		}
		state := conn.ConnectionState()
		if counts {
			handshakes.Add(1)
			if state.TLS.DidResume {
				resumed.Add(1)
			}
			if state.Used0RTT {
				early.Add(1)
			}
		}
		return conn.CloseWithError(0, "")
	}
	if o.mode != "full" {
		_ = one(false)
	}
	cpu := cpuSeconds()
	secs, err := repeat(o, func() error { return one(true) })
	if err != nil {
		return err
	}
	return printFigures(map[string]any{
		"handshakes": handshakes.Load(), "secs": secs, "hs_per_s": float64(handshakes.Load()) / secs,
		"resumed": resumed.Load(), "early": early.Load(), "failed": failures.Load(), "client_cpu": cpuSeconds() - cpu,
	})
}

func perfHold(o *options, d *perfDialer) error {
	var lock sync.Mutex
	var held []*quic.Conn
	o.secs = 0
	secs, err := repeat(o, func() error {
		conn, err := d.dial(false)
		if err != nil {
			return err
		}
		lock.Lock()
		held = append(held, conn)
		lock.Unlock()
		return nil
	})
	if err != nil {
		return err
	}
	if err := printFigures(map[string]any{"conns": len(held), "secs": secs}); err != nil {
		return err
	}
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	return nil
}

func perfRounds(o *options, d *perfDialer) error {
	conn, err := d.dial(false)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	var times []time.Duration
	cpu := cpuSeconds()
	secs, err := repeat(o, func() error {
		start := time.Now()
		stream, err := ask(conn, 'R', 0, roundBytes)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, stream); err != nil {
			return err
		}
		took := time.Since(start)
		lock.Lock()
		times = append(times, took)
		lock.Unlock()
		return nil
	})
	if err != nil {
		return err
	}
	cpu = cpuSeconds() - cpu
	_ = conn.CloseWithError(0, "")
	slices.Sort(times)
	at := func(share float64) int64 {
		return times[min(len(times)-1, int(float64(len(times))*share))].Microseconds()
	}
	return printFigures(map[string]any{
		"requests": len(times), "secs": secs, "rps": float64(len(times)) / secs, "p50_us": at(0.5), "p99_us": at(0.99),
		"client_cpu": cpu,
	})
}
