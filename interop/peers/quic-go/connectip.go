package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"

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

// ipProxy gives every client the same prefix --client and forwards between it and a TUN.
func ipProxy(o *options) error {
	client, err := netip.ParsePrefix(o.client)
	if err != nil {
		return err
	}
	route, err := netip.ParsePrefix(o.route)
	if err != nil {
		return err
	}
	tun, err := openTun(o.tun)
	if err != nil {
		return err
	}
	if err := configureTun(o.tun, o.address, o.mtu, client.String()); err != nil {
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
		fmt.Fprintln(os.Stderr, "tunnel ended:", serveIP(conn, client, route, tun))
	}
	server := &http3.Server{Handler: http.HandlerFunc(handler), EnableDatagrams: true}
	return server.ServeListener(listener)
}

func serveIP(conn *connectip.Conn, client, route netip.Prefix, tun *os.File) error {
	if err := conn.AssignAddresses([]netip.Prefix{client}); err != nil {
		return err
	}
	last := lastAddress(route)
	if err := conn.AdvertiseRoute([]connectip.IPRoute{{StartIP: route.Addr(), EndIP: last}}); err != nil {
		return err
	}
	go answerRequests(conn, client)
	return pump(conn, tun)
}

// answerRequests gives whoever asks what it has been given already.
func answerRequests(conn *connectip.Conn, client netip.Prefix) {
	for {
		request, err := conn.ReceiveAddressRequest(context.Background())
		if err != nil {
			return
		}
		_ = request
		if err := conn.AssignAddresses([]netip.Prefix{client}); err != nil {
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

// ipClient asks for an address, gives it to a TUN, routes what the proxy advertises and forwards until it is ended.
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
	if _, err := tunnel.RequestAddresses([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/32")}); err != nil {
		return err
	}
	return joinTun(tunnel, o, conn)
}

func joinTun(tunnel *connectip.Conn, o *options, conn *quic.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	address, err := firstAddress(ctx, tunnel)
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
	if err := configureTun(o.tun, address.String(), o.mtu, prefixes...); err != nil {
		return err
	}
	ready(conn.LocalAddr())
	return pump(tunnel, tun)
}

// firstAddress waits for an assignment that is not empty: a proxy may answer requests one by one.
func firstAddress(ctx context.Context, tunnel *connectip.Conn) (netip.Prefix, error) {
	for {
		assigned, err := tunnel.ReceiveAddressAssignment(ctx)
		if err != nil {
			return netip.Prefix{}, err
		}
		for _, address := range assigned {
			if !address.Rejected() {
				return address.IPPrefix, nil
			}
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
