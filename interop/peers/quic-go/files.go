package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

const (
	hqInterop   = "hq-interop"
	moveTimeout = 5 * time.Second
)

// fileServer serves the files below --root until it is ended, by HTTP/3 or by HTTP/0.9 over QUIC (hq-interop).
func fileServer(o *options) error {
	listener, err := listen(o, &quic.Config{}, o.alpn)
	if err != nil {
		return err
	}
	if o.alpn == http3.NextProtoH3 {
		return (&http3.Server{Handler: http.FileServer(http.Dir(o.root))}).ServeListener(listener)
	}
	for {
		conn, err := listener.Accept(context.Background())
		if err != nil {
			return err
		}
		go serveHq(conn, o.root)
	}
}

func serveHq(conn *quic.Conn, root string) {
	for {
		stream, err := conn.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go func() {
			if err := answerHq(stream, root); err != nil {
				stream.CancelWrite(1)
				stream.CancelRead(1)
			}
		}()
	}
}

func answerHq(stream *quic.Stream, root string) error {
	request, err := io.ReadAll(io.LimitReader(stream, 4096))
	if err != nil {
		return err
	}
	path, isGet := strings.CutPrefix(strings.TrimRight(string(request), "\r\n "), "GET /")
	if !isGet || !filepath.IsLocal(path) {
		return errors.New("bad request")
	}
	file, err := os.Open(filepath.Join(root, path))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(stream, file); err != nil {
		return err
	}
	return stream.Close()
}

// get fetches one path as a stream of bytes.
type get func(path string) (io.ReadCloser, error)

func hqGet(conn *quic.Conn) get {
	return func(path string) (io.ReadCloser, error) {
		stream, err := conn.OpenStreamSync(conn.Context())
		if err != nil {
			return nil, err
		}
		if _, err := fmt.Fprintf(stream, "GET %s\r\n", path); err != nil {
			return nil, err
		}
		return io.NopCloser(stream), stream.Close()
	}
}

func h3Get(client *http3.ClientConn, host string) get {
	return func(path string) (io.ReadCloser, error) {
		request, err := http.NewRequest(http.MethodGet, "https://"+host+path, nil)
		if err != nil {
			return nil, err
		}
		response, err := client.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		if response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: status %d", path, response.StatusCode)
		}
		return response.Body, nil
	}
}

func save(fetch get, path, folder string) error {
	body, err := fetch(path)
	if err != nil {
		return err
	}
	defer body.Close()
	file, err := os.Create(filepath.Join(folder, filepath.Base(path)))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, body)
	return err
}

// fileClient fetches paths at the same time and writes them below --download; with --connections over as many, one after
// the other: a file on each, and what is left on the last. Each resumes the session before.
func fileClient(o *options) error {
	resumed, early := 0, 0
	for i := range o.connections {
		paths := o.requests[i:]
		if i+1 < o.connections {
			paths = paths[:1]
		}
		conn, err := fetchAll(o, paths)
		if err != nil {
			return err
		}
		state := conn.ConnectionState()
		_ = conn.CloseWithError(0, "")
		if state.TLS.DidResume {
			resumed++
		}
		if state.Used0RTT {
			early++
		}
	}
	return result(map[string]any{"files": len(o.requests), "resumed": resumed, "early": early})
}

func fetchAll(o *options, paths []string) (*quic.Conn, error) {
	config := &quic.Config{MaxIdleTimeout: 30 * time.Second, Versions: []quic.Version{quic.Version(o.version)}}
	conn, err := dial(o, config, o.alpn)
	if err != nil {
		return nil, err
	}
	fetch := hqGet(conn)
	if o.alpn == http3.NextProtoH3 {
		fetch = h3Get((&http3.Transport{}).NewClientConn(conn), o.name)
	}
	failures := make([]error, len(paths)+1)
	var all sync.WaitGroup
	if o.migrate {
		all.Go(func() { failures[len(paths)] = move(conn) })
	}
	for i, path := range paths {
		all.Go(func() { failures[i] = save(fetch, path, o.download) })
	}
	all.Wait()
	return conn, errors.Join(failures...)
}

// move takes a connection to another port of this host (RFC 9000 §9.2).
func move(conn *quic.Conn) error {
	select {
	case <-conn.HandshakeComplete():
	case <-conn.Context().Done():
		return context.Cause(conn.Context())
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return err
	}
	path, err := conn.AddPath(&quic.Transport{Conn: socket})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(conn.Context(), moveTimeout)
	defer cancel()
	if err := path.Probe(ctx); err != nil {
		return err
	}
	return path.Switch()
}
