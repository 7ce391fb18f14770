// Package pulp is what a Pulp plugin written in Go imports. Handlers are registered from init functions, which run
// inside _initialize, where every host import is live already:
//
//	func init() {
//		pulp.Handle("GET /hello/:name", func(r *pulp.Request) *pulp.Response {
//			return pulp.Text("Hello " + r.Params["name"])
//		})
//	}
//
//	func main() {} // never runs: a reactor has no main, but the package needs one
//
// Build with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared. What a plugin does not use it does not import
// from the host.
package pulp

import (
	"encoding/binary"
	"fmt"
	"log"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// The envelope's header: call_number u64, wall_time u64, payload_len u32.
const headerSize = 20

var (
	onInit     []func() error
	onTick     []func(now time.Time)
	onShutdown []func() error
	config     []byte
	// events has the handlers of each kind of event.
	events = map[string]func(payload msgpack.RawMessage) error{}
)

// OnInit adds what pulp_init runs, once, after every init function. An error refuses the start: it is printed.
func OnInit(run func() error) { onInit = append(onInit, run) }

// OnTick adds what runs at every tick: each 10 ms unless the manifest says otherwise.
func OnTick(run func(now time.Time)) { onTick = append(onTick, run) }

// OnShutdown adds what pulp_shutdown runs. An error makes the host's exit code 1.
func OnShutdown(run func() error) { onShutdown = append(onShutdown, run) }

// Config decodes the [config] table of the manifest into a struct with msgpack tags, or a map. It is there from
// OnInit on; without a table nothing is changed.
func Config(into any) error {
	if len(config) == 0 {
		return nil
	}
	return msgpack.Unmarshal(config, into)
}

//go:wasmexport pulp_init
func pulpInit(pointer, length uint32) int32 {
	log.SetFlags(0)
	// The host takes its memory back when this returns.
	config = append([]byte(nil), at(pointer, length)...)
	return run("init", onInit)
}

//go:wasmexport pulp_shutdown
func pulpShutdown() int32 { return run("shutdown", onShutdown) }

func run(when string, all []func() error) int32 {
	for _, one := range all {
		if err := one(); err != nil {
			log.Printf("%s: %v", when, err)
			return 1
		}
	}
	return 0
}

//go:wasmexport pulp_step
func pulpStep(pointer, length uint32) int32 {
	if err := step(at(pointer, length)); err != nil {
		log.Print("step: ", err)
		return 1
	}
	return 0
}

func step(envelope []byte) error {
	if len(envelope) < headerSize {
		return fmt.Errorf("an envelope of %d bytes is too short", len(envelope))
	}
	size := binary.LittleEndian.Uint32(envelope[16:])
	payload := envelope[headerSize:]
	if uint64(size) > uint64(len(payload)) {
		return fmt.Errorf("an envelope says %d bytes and has %d", size, len(payload))
	}
	if size == 0 {
		now := time.Unix(0, int64(binary.LittleEndian.Uint64(envelope[8:])))
		for _, tick := range onTick {
			tick(now)
		}
		return nil
	}
	var event struct {
		Kind    string             `msgpack:"kind"`
		Payload msgpack.RawMessage `msgpack:"payload"`
	}
	if err := msgpack.Unmarshal(payload[:size], &event); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	handle := events[event.Kind]
	if handle == nil {
		return nil
	}
	return handle(event.Payload)
}
