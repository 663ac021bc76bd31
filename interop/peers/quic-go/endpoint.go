package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"time"

	"github.com/quic-go/quic-go"
)

// Long enough for a path that loses much.
const dialTimeout = 60 * time.Second

func serverTLS(o *options, alpn ...string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: alpn, MinVersion: tls.VersionTLS13}, nil
}

func clientTLS(o *options, alpn ...string) (*tls.Config, error) {
	pem, err := os.ReadFile(o.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + o.ca)
	}
	return &tls.Config{RootCAs: pool, ServerName: o.name, NextProtos: alpn, ClientSessionCache: o.sessions, MinVersion: tls.VersionTLS13}, nil
}

// listen opens the server's socket and says that it is there.
func listen(o *options, config *quic.Config, alpn ...string) (*quic.EarlyListener, error) {
	tlsConfig, err := serverTLS(o, alpn...)
	if err != nil {
		return nil, err
	}
	address, err := net.ResolveUDPAddr("udp", o.listen)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenUDP("udp", address)
	if err != nil {
		return nil, err
	}
	transport := &quic.Transport{Conn: socket}
	if o.retry {
		transport.VerifySourceAddress = func(net.Addr) bool { return true }
	}
	config.Allow0RTT = o.early
	config.HandshakeIdleTimeout = dialTimeout
	listener, err := transport.ListenEarly(tlsConfig, config)
	if err == nil {
		ready(socket.LocalAddr())
	}
	return listener, err
}

// dial shakes hands with the server; with --early it need not be over yet.
func dial(o *options, config *quic.Config, alpn ...string) (*quic.Conn, error) {
	tlsConfig, err := clientTLS(o, alpn...)
	if err != nil {
		return nil, err
	}
	config.HandshakeIdleTimeout = dialTimeout
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	if o.migrate {
		// Without a transport of its own it would have no connection IDs, by which to know it on another port.
		address, err := net.ResolveUDPAddr("udp", o.server)
		if err != nil {
			return nil, err
		}
		socket, err := net.ListenUDP("udp", nil)
		if err != nil {
			return nil, err
		}
		return (&quic.Transport{Conn: socket}).Dial(ctx, address, tlsConfig, config)
	}
	if o.early {
		return quic.DialAddrEarly(ctx, o.server, tlsConfig, config)
	}
	return quic.DialAddr(ctx, o.server, tlsConfig, config)
}
