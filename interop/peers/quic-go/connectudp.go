package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

const (
	udpPrefix = "/.well-known/masque/udp/"
	// RFC 9298 §5: a UDP payload is at most this long.
	maxUDPPayload = 65527
)

// udpProxy is a CONNECT-UDP proxy (RFC 9298): Extended CONNECT, one socket a tunnel, context 0 only.
func udpProxy(o *options) error {
	listener, err := listen(o, tunnelConfig(), http3.NextProtoH3)
	if err != nil {
		return err
	}
	server := &http3.Server{Handler: http.HandlerFunc(serveUDP), EnableDatagrams: true}
	return server.ServeListener(listener)
}

// udpTarget takes host and port out of the default template's path (RFC 9298 §3).
func udpTarget(path string) (string, error) {
	rest, isOurs := strings.CutPrefix(path, udpPrefix)
	parts := strings.Split(rest, "/")
	if !isOurs || len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return "", errors.New("not the path of a UDP target")
	}
	return net.JoinHostPort(parts[0], parts[1]), nil
}

func serveUDP(w http.ResponseWriter, r *http.Request) {
	target, err := udpTarget(r.URL.Path)
	if r.Method != http.MethodConnect || r.Proto != "connect-udp" || err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	socket, err := net.Dial("udp", target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer socket.Close()
	w.Header().Set(http3.CapsuleProtocolHeader, "?1")
	w.WriteHeader(http.StatusOK)
	stream, err := w.(http3.HTTPStreamer).HTTPStream()
	if err != nil {
		return
	}
	defer stream.Close()
	go fromTarget(stream, socket)
	go toTarget(stream, socket)
	skipCapsules(stream)
}

func fromTarget(stream *http3.Stream, socket net.Conn) {
	buffer := make([]byte, maxUDPPayload+1)
	for {
		n, err := socket.Read(buffer[1:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			// Context 0, then the payload (RFC 9298 §5). One that is too large for a packet is lost.
			_ = stream.SendDatagram(buffer[:n+1])
		}
	}
}

func toTarget(stream *http3.Stream, socket net.Conn) {
	for {
		datagram, err := stream.ReceiveDatagram(context.Background())
		if err != nil {
			return
		}
		if id, n, err := quicvarint.Parse(datagram); err == nil && id == 0 {
			_, _ = socket.Write(datagram[n:])
		}
	}
}

// skipCapsules reads the stream until the client ends it; there is no capsule to act on (RFC 9297 §3.2).
func skipCapsules(stream *http3.Stream) {
	parser := http3.NewCapsuleParser(stream)
	for {
		_, capsule, err := parser.Next()
		if err != nil || capsule.Discard() != nil {
			return
		}
	}
}

// udpClient sends --count datagrams through the proxy to an echo at --target and wants each back.
func udpClient(o *options) error {
	conn, err := dial(o, tunnelConfig(), http3.NextProtoH3)
	if err != nil {
		return err
	}
	client := (&http3.Transport{EnableDatagrams: true}).NewClientConn(conn)
	<-client.ReceivedSettings()
	if settings := client.Settings(); !settings.EnableExtendedConnect || !settings.EnableDatagrams {
		return errors.New("the proxy has no Extended CONNECT or no datagrams")
	}
	host, port, err := net.SplitHostPort(o.target)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodConnect, "https://"+o.name+udpPrefix+host+"/"+port+"/", nil)
	if err != nil {
		return err
	}
	request.Proto = "connect-udp"
	request.Header.Set(http3.CapsuleProtocolHeader, "?1")
	stream, err := client.OpenRequestStream(conn.Context())
	if err != nil {
		return err
	}
	if err := stream.SendRequestHeader(request); err != nil {
		return err
	}
	response, err := stream.ReadResponse()
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("refused with status %d", response.StatusCode)
	}
	echoed, err := echo(stream, o.count)
	if err != nil {
		return err
	}
	_ = stream.Close()
	_ = conn.CloseWithError(0x100, "")
	return result(map[string]any{"echoed": echoed})
}

// echo sends datagrams of growing size, one at a time, each again until it comes back.
func echo(stream *http3.RequestStream, count int) (int, error) {
	for i := range count {
		payload := make([]byte, 1+i*1100/count)
		_, _ = rand.Read(payload)
		if err := echoOnce(stream, append([]byte{0}, payload...)); err != nil {
			return i, err
		}
	}
	return count, nil
}

func echoOnce(stream *http3.RequestStream, datagram []byte) error {
	for range 5 {
		if err := stream.SendDatagram(datagram); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(stream.Context(), time.Second)
		answer, err := stream.ReceiveDatagram(ctx)
		cancel()
		if err == nil && bytes.Equal(answer, datagram) {
			return nil
		}
	}
	return fmt.Errorf("a datagram of %d bytes did not come back", len(datagram)-1)
}
