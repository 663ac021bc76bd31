package trace

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/tun"
)

// A message that a host sent: milliseconds since the scenario began, and its type; 5 is a keepalive.
type event struct {
	AtMs int64  `json:"atMs"`
	Host string `json:"host"`
	Type int    `json:"type"`
}

const keepalive = 5
const keepaliveBytes = 32

// Two hosts and what lies between them. Datagrams take no time.
type network struct {
	mutex  sync.Mutex
	began  time.Time
	events []event
	// Data messages that each host sent, which are as many as the scenario's packets allow.
	data  map[string]int
	lost  []loss
	binds map[string]*bind
}

func (network *network) send(from string, bytes []byte) {
	network.mutex.Lock()
	defer network.mutex.Unlock()
	at := time.Since(network.began)
	kind := int(bytes[0])
	if kind == 4 && len(bytes) == keepaliveBytes {
		kind = keepalive
	}
	if kind == 4 {
		network.data[from]++
	} else {
		network.events = append(network.events, event{at.Milliseconds(), from, kind})
	}
	for i := range network.lost {
		if network.lost[i].takes(from, kind, at) {
			return
		}
	}
	to := "b"
	if from == "b" {
		to = "a"
	}
	network.binds[to].arrived <- append([]byte(nil), bytes...)
}

type endpoint struct{ host string }

func (endpoint) ClearSrc()             {}
func (endpoint) SrcToString() string   { return "" }
func (endpoint) SrcIP() netip.Addr     { return netip.Addr{} }
func (e endpoint) DstToString() string { return e.host }
func (e endpoint) DstToBytes() []byte  { return []byte(e.host) }
func (e endpoint) DstIP() netip.Addr {
	if e.host == "a" {
		return netip.MustParseAddr("192.0.2.1")
	}
	return netip.MustParseAddr("192.0.2.2")
}

// The socket of one host.
type bind struct {
	host    string
	network *network
	arrived chan []byte
	closed  chan struct{}
	once    sync.Once
}

func (bind *bind) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	bind.closed = make(chan struct{})
	bind.once = sync.Once{}
	from := endpoint{"b"}
	if bind.host == "b" {
		from = endpoint{"a"}
	}
	closed := bind.closed
	receive := func(packets [][]byte, sizes []int, endpoints []conn.Endpoint) (int, error) {
		select {
		case <-closed:
			return 0, net.ErrClosed
		case bytes := <-bind.arrived:
			sizes[0] = copy(packets[0], bytes)
			endpoints[0] = from
			return 1, nil
		}
	}
	return []conn.ReceiveFunc{receive}, port, nil
}

func (bind *bind) Close() error {
	if bind.closed != nil {
		bind.once.Do(func() { close(bind.closed) })
	}
	return nil
}

func (bind *bind) SetMark(uint32) error { return nil }
func (bind *bind) BatchSize() int       { return 1 }

func (bind *bind) Send(packets [][]byte, _ conn.Endpoint) error {
	for _, packet := range packets {
		bind.network.send(bind.host, packet)
	}
	return nil
}

func (bind *bind) ParseEndpoint(text string) (conn.Endpoint, error) { return endpoint{text[:1]}, nil }

// The interface of one host: packets in, and a count of those that come out.
type inside struct {
	packets chan []byte
	events  chan tun.Event
	closed  chan struct{}
	mutex   sync.Mutex
	taken   int
}

func newInside() *inside {
	made := &inside{packets: make(chan []byte, 4096), events: make(chan tun.Event, 1), closed: make(chan struct{})}
	made.events <- tun.EventUp
	return made
}

func (*inside) File() *os.File { return nil }

func (inside *inside) Read(buffers [][]byte, sizes []int, offset int) (int, error) {
	select {
	case <-inside.closed:
		return 0, os.ErrClosed
	case packet := <-inside.packets:
		sizes[0] = copy(buffers[0][offset:], packet)
		return 1, nil
	}
}

func (inside *inside) Write(buffers [][]byte, _ int) (int, error) {
	inside.mutex.Lock()
	defer inside.mutex.Unlock()
	inside.taken += len(buffers)
	return len(buffers), nil
}

func (*inside) MTU() (int, error)          { return 1420, nil }
func (*inside) Name() (string, error)      { return "trace", nil }
func (i *inside) Events() <-chan tun.Event { return i.events }
func (*inside) BatchSize() int             { return 1 }
func (inside *inside) Close() error {
	close(inside.closed)
	close(inside.events)
	return nil
}
