package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"

	connectip "github.com/quic-go/connect-ip-go"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/yosida95/uritemplate/v3"
)

// The largest packets that quic-go sends; they fit a link of 1500 bytes and hold an inner packet of 1400.
const outerPackets = 1452

// connect-ip-go takes no template with variables: this is the default one for any host and protocol (RFC 9484 §3).
func ipTemplate(authority string) *uritemplate.Template {
	return uritemplate.MustNew("https://" + authority + "/.well-known/masque/ip/*/*/")
}

func tunnelConfig() *quic.Config {
	return &quic.Config{EnableDatagrams: true, InitialPacketSize: outerPackets}
}

func parsePrefixes(list string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range strings.Split(list, ",") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// ipProxy gives every client the same prefixes --client and forwards between them and a TUN.
func ipProxy(o *options) error {
	clients, err := parsePrefixes(o.client)
	if err != nil {
		return err
	}
	routes, err := parsePrefixes(o.route)
	if err != nil {
		return err
	}
	tun, err := openTun(o.tun)
	if err != nil {
		return err
	}
	if err := configureTun(o.tun, strings.Split(o.address, ","), o.mtu, strings.Split(o.client, ",")...); err != nil {
		return err
	}
	listener, err := listen(o, tunnelConfig(), http3.NextProtoH3)
	if err != nil {
		return err
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if _, err := connectip.ParseProxyRequest(r, ipTemplate(r.Host)); err != nil {
			fmt.Fprintln(os.Stderr, "refused:", err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		conn, err := (&connectip.Proxy{}).Proxy(w, nil)
		if err != nil {
			fmt.Fprintln(os.Stderr, "failed:", err)
			return
		}
		fmt.Fprintln(os.Stderr, "tunnel ended:", serveIP(conn, clients, routes, tun))
	}
	server := &http3.Server{Handler: http.HandlerFunc(handler), EnableDatagrams: true}
	return server.ServeListener(listener)
}

func serveIP(conn *connectip.Conn, clients, routes []netip.Prefix, tun *os.File) error {
	if err := conn.AssignAddresses(clients); err != nil {
		return err
	}
	var ranges []connectip.IPRoute
	for _, route := range routes {
		ranges = append(ranges, connectip.IPRoute{StartIP: route.Addr(), EndIP: lastAddress(route)})
	}
	if err := conn.AdvertiseRoute(ranges); err != nil {
		return err
	}
	go answerRequests(conn, clients)
	return pump(conn, tun)
}

// answerRequests gives whoever asks what it has been given already; a family without an address is turned down.
func answerRequests(conn *connectip.Conn, clients []netip.Prefix) {
	for {
		request, err := conn.ReceiveAddressRequest(context.Background())
		if err != nil {
			return
		}
		answers := make([]netip.Prefix, len(request.Prefixes))
		for i, asked := range request.Prefixes {
			for _, client := range clients {
				if client.Addr().Is4() == asked.Addr().Is4() {
					answers[i] = client
				}
			}
		}
		if err := request.Respond(answers, nil); err != nil {
			return
		}
	}
}

func lastAddress(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// ipClient asks for addresses, gives them to a TUN, routes what the proxy advertises and forwards until it is ended.
func ipClient(o *options) error {
	conn, err := dial(o, tunnelConfig(), http3.NextProtoH3)
	if err != nil {
		return err
	}
	request, err := connectip.NewRequest(context.Background(), ipTemplate(o.name))
	if err != nil {
		return err
	}
	client := connectip.NewClientConn((&http3.Transport{EnableDatagrams: true}).NewClientConn(conn))
	tunnel, response, err := client.Dial(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("refused with status %d", response.StatusCode)
	}
	asked, err := parsePrefixes(o.ask)
	if err != nil {
		return err
	}
	if _, err := tunnel.RequestAddresses(asked); err != nil {
		return err
	}
	return joinTun(tunnel, o, conn, len(asked))
}

func joinTun(tunnel *connectip.Conn, o *options, conn *quic.Conn, wanted int) error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	addresses, err := assignment(ctx, tunnel, wanted)
	if err != nil {
		return err
	}
	routes, err := tunnel.Routes(ctx)
	if err != nil {
		return err
	}
	tun, err := openTun(o.tun)
	if err != nil {
		return err
	}
	var prefixes []string
	for _, route := range routes {
		for _, prefix := range route.Prefixes() {
			prefixes = append(prefixes, prefix.String())
		}
	}
	if err := configureTun(o.tun, addresses, o.mtu, prefixes...); err != nil {
		return err
	}
	ready(conn.LocalAddr())
	return pump(tunnel, tun)
}

// assignment waits for one of so many addresses: a proxy may answer requests one by one.
func assignment(ctx context.Context, tunnel *connectip.Conn, wanted int) ([]string, error) {
	for {
		assigned, err := tunnel.ReceiveAddressAssignment(ctx)
		if err != nil {
			return nil, err
		}
		var addresses []string
		for _, address := range assigned {
			if !address.Rejected() {
				addresses = append(addresses, address.IPPrefix.String())
			}
		}
		if len(addresses) >= wanted {
			return addresses, nil
		}
	}
}

// pump forwards both ways until one of them fails.
func pump(conn *connectip.Conn, tun *os.File) error {
	failed := make(chan error, 2)
	go func() {
		buffer := make([]byte, 65536)
		for {
			n, err := conn.ReadPacket(buffer)
			if err != nil {
				failed <- err
				return
			}
			// A packet that the kernel does not take is lost, as on any link.
			_, _ = tun.Write(buffer[:n])
		}
	}()
	go func() {
		buffer := make([]byte, 65536)
		for {
			n, err := tun.Read(buffer)
			if err != nil {
				failed <- err
				return
			}
			icmp, err := conn.WritePacket(buffer[:n])
			if errors.Is(err, os.ErrClosed) {
				failed <- err
				return
			}
			if len(icmp) > 0 {
				_, _ = tun.Write(icmp)
			}
		}
	}()
	return <-failed
}
