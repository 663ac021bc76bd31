// Package trace has wireguard-go act out scenarios in virtual time, and writes down what it sent, when.
//
//	go test -count=1 . -args ../../../pop-worker/protocol/wireguard/testing/scenarios.json OUT.json
package trace

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sort"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/curve25519"
	"golang.zx2c4.com/wireguard/device"
)

// Packets that a host's users send: every so many milliseconds from FromMs until UntilMs.
type flow struct {
	Host    string `json:"host"`
	FromMs  int64  `json:"fromMs"`
	UntilMs int64  `json:"untilMs"`
	EveryMs int64  `json:"everyMs"`
}

// What the network loses of a host, between two times: messages of a type (0: of any), and so many at most (0: all).
type loss struct {
	Host    string `json:"host"`
	Type    int    `json:"type"`
	FromMs  int64  `json:"fromMs"`
	UntilMs int64  `json:"untilMs"`
	Most    int    `json:"most"`
	taken   int
}

func (loss *loss) takes(host string, kind int, at time.Duration) bool {
	ms := at.Milliseconds()
	isIts := loss.Host == host && (loss.Type == 0 || loss.Type == kind)
	if !isIts || ms < loss.FromMs || ms >= loss.UntilMs || (loss.Most > 0 && loss.taken == loss.Most) {
		return false
	}
	loss.taken++
	return true
}

type scenario struct {
	Name string `json:"name"`
	// Seconds between keepalives of each host.
	KeepaliveS map[string]int `json:"keepaliveS"`
	LastsMs    int64          `json:"lastsMs"`
	Flows      []flow         `json:"flows"`
	Lost       []loss         `json:"lost"`
}

type result struct {
	Name   string         `json:"name"`
	Events []event        `json:"events"`
	Data   map[string]int `json:"data"`
	Taken  map[string]int `json:"taken"`
}

func keyOf(id byte) [32]byte {
	var key [32]byte
	for i := range key {
		key[i] = id
	}
	key[31] = 64
	return key
}

func publicOf(id byte) []byte {
	key := keyOf(id)
	public, err := curve25519.X25519(key[:], curve25519.Basepoint)
	if err != nil {
		panic(err)
	}
	return public
}

// An IPv4 packet of 100 bytes between the hosts.
func packet(from byte) []byte {
	bytes := make([]byte, 100)
	to := 3 - from
	copy(bytes, []byte{0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, from, 1, 10, 0, to, 1})
	return bytes
}

func act(t *testing.T, scenario scenario) (out result) {
	synctest.Test(t, func(t *testing.T) {
		network := &network{data: map[string]int{}, lost: scenario.Lost, binds: map[string]*bind{}}
		sides := map[string]*inside{}
		var devices []*device.Device
		for i, host := range []string{"a", "b"} {
			network.binds[host] = &bind{host: host, network: network, arrived: make(chan []byte, 4096)}
			sides[host] = newInside()
			own, other := byte(i+1), byte(2-i)
			logger := device.NewLogger(device.LogLevelSilent, "")
			made := device.NewDevice(sides[host], network.binds[host], logger)
			private := keyOf(own)
			where := ""
			if host == "a" {
				where = "endpoint=b\n"
			}
			settings := fmt.Sprintf("private_key=%s\npublic_key=%s\n%sallowed_ip=10.0.%d.0/24\n",
				hex.EncodeToString(private[:]), hex.EncodeToString(publicOf(other)), where, other)
			if err := made.IpcSet(settings); err != nil {
				t.Fatal(err)
			}
			devices = append(devices, made)
		}
		// Interfaces come up, and nothing is under way.
		time.Sleep(time.Second)
		synctest.Wait()
		network.began = time.Now()
		for i, made := range devices {
			host := string(rune('a' + i))
			seconds := scenario.KeepaliveS[host]
			if seconds == 0 {
				continue
			}
			settings := fmt.Sprintf("public_key=%s\nupdate_only=true\npersistent_keepalive_interval=%d\n",
				hex.EncodeToString(publicOf(byte(2-i))), seconds)
			if err := made.IpcSet(settings); err != nil {
				t.Fatal(err)
			}
		}
		type due struct {
			at   int64
			host string
		}
		var packets []due
		for _, flow := range scenario.Flows {
			for at := flow.FromMs; at < flow.UntilMs; at += flow.EveryMs {
				packets = append(packets, due{at, flow.Host})
			}
		}
		sort.SliceStable(packets, func(i, j int) bool { return packets[i].at < packets[j].at })
		for _, next := range packets {
			time.Sleep(time.Duration(next.at)*time.Millisecond - time.Since(network.began))
			sides[next.host].packets <- packet(next.host[0] - 'a' + 1)
			synctest.Wait()
		}
		time.Sleep(time.Duration(scenario.LastsMs)*time.Millisecond - time.Since(network.began))
		synctest.Wait()
		network.mutex.Lock()
		out = result{scenario.Name, network.events, network.data, map[string]int{}}
		for host, side := range sides {
			out.Taken[host] = side.taken
		}
		network.mutex.Unlock()
		for _, made := range devices {
			made.Close()
		}
	})
	return out
}

func TestTrace(t *testing.T) {
	if len(os.Args) < 2 {
		t.Skip("two files are to be named")
	}
	// Its finalizers touch channels of a scenario from outside of it.
	debug.SetGCPercent(-1)
	files := os.Args[len(os.Args)-2:]
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var scenarios []scenario
	if err := json.Unmarshal(text, &scenarios); err != nil {
		t.Fatal(err)
	}
	var results []result
	for _, one := range scenarios {
		results = append(results, act(t, one))
	}
	lines, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[1], append(lines, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
