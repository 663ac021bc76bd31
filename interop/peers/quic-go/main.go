// Programs on quic-go and connect-ip-go that CloudBridge is measured and tested against: `peer PROGRAM [flags]`.
// Every program prints JSON lines on stdout: {"ready":...} when it can be talked to, {"result":...} at its end.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"slices"
)

type options struct {
	listen, server       string
	cert, key, ca        string
	alpn, root, download string
	bytes                int64
	streams, datagrams   int
	version              uint
	retry, early         bool
	migrate, chacha20    bool
	connections          int
	sessions             tls.ClientSessionCache
	name, client, ask    string
	tun, address, route  string
	target               string
	count, mtu           int
	requests             []string
	addr, test           string
	mode, groups         string
	concurrency          int
	secs                 float64
}

var programs = map[string]func(*options) error{
	"file-server": fileServer,
	"file-client": fileClient,
	"bulk-server": bulkServer,
	"bulk-client": bulkClient,
	"ip-proxy":    ipProxy,
	"ip-client":   ipClient,
	"udp-proxy":   udpProxy,
	"udp-client":  udpClient,
	"perf-server": perfServer,
	"perf-client": perfClient,
}

func parse(args []string) *options {
	o := &options{sessions: tls.NewLRUClientSessionCache(1)}
	f := flag.NewFlagSet("peer", flag.ExitOnError)
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "servers: address and port")
	f.StringVar(&o.server, "server", "", "clients: address and port")
	f.StringVar(&o.name, "name", "peer.test", "name in the server's certificate")
	f.StringVar(&o.cert, "cert", "", "servers: PEM of the certificate chain")
	f.StringVar(&o.key, "key", "", "servers: PEM of the key")
	f.StringVar(&o.ca, "ca", "", "clients: PEM of the authorities")
	f.StringVar(&o.alpn, "alpn", "h3", "h3 or hq-interop")
	f.StringVar(&o.root, "root", ".", "file-server: folder with the files")
	f.StringVar(&o.download, "download", ".", "file-client: folder to write to")
	f.UintVar(&o.version, "version", 1, "file-client: QUIC version")
	f.IntVar(&o.connections, "connections", 1, "file-client: a file on each, what is left on the last; each resumes the session before")
	f.BoolVar(&o.early, "early", false, "files: send, or take, early data")
	f.BoolVar(&o.migrate, "migrate", false, "file-client: move to another port during the transfer")
	f.BoolVar(&o.chacha20, "chacha20", false, "files: no other cipher suite than TLS_CHACHA20_POLY1305_SHA256")
	f.BoolVar(&o.retry, "retry", false, "servers: answer every first Initial with Retry")
	f.Int64Var(&o.bytes, "bytes", 1e9, "bulk: bytes in all")
	f.IntVar(&o.datagrams, "datagrams", 0, "bulk: payload of a DATAGRAM; 0: streams carry the bytes")
	f.IntVar(&o.streams, "streams", 1, "bulk: streams")
	f.StringVar(&o.tun, "tun", "", "ip: name of the TUN to make")
	f.StringVar(&o.address, "address", "", "ip-proxy: address/length of its TUN; several parted by commas")
	f.StringVar(&o.client, "client", "", "ip-proxy: prefixes given to the client, one a family")
	f.StringVar(&o.route, "route", "0.0.0.0/0", "ip-proxy: prefixes advertised to the client, IPv4 first")
	f.StringVar(&o.ask, "ask", "0.0.0.0/32", "ip-client: addresses to ask for; a zero one is any of its family")
	f.IntVar(&o.mtu, "mtu", 1280, "ip: MTU of the TUN")
	f.StringVar(&o.target, "target", "", "udp-client: address and port behind the proxy")
	f.IntVar(&o.count, "count", 10, "udp-client: datagrams to send and to get back")
	f.StringVar(&o.addr, "addr", "", "perf: address and port of the server")
	f.StringVar(&o.test, "test", "", "perf-client: bulk, dgram, hs, idle or rr")
	f.StringVar(&o.mode, "mode", "full", "perf-client, hs: full, resumed or 0rtt")
	f.StringVar(&o.groups, "groups", "", "perf: x25519 or x25519mlkem768 for no other key exchange")
	f.IntVar(&o.concurrency, "conc", 1, "perf-client: so many at once")
	f.IntVar(&o.count, "n", 1000, "perf-client: handshakes, connections or requests")
	f.Float64Var(&o.secs, "secs", 0, "perf-client: end after so many seconds")
	_ = f.Parse(args)
	o.requests = f.Args()
	return o
}

func main() {
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		names := make([]string, 0, len(programs))
		for name := range programs {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "usage: peer PROGRAM [flags], where PROGRAM is one of %v\n", names)
		os.Exit(2)
	}
	o := parse(os.Args[2:])
	if o.chacha20 {
		onlyChaCha20()
	}
	if err := programs[os.Args[1]](o); err != nil {
		fmt.Fprintln(os.Stderr, "peer "+os.Args[1]+":", err)
		os.Exit(1)
	}
}
