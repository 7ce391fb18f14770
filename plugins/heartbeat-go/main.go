// Command heartbeat is the smallest plugin, in Go: it shows the lifecycle, the envelope and the config, and
// needs no capability. Build it as a reactor:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o build/heartbeat-go.wasm .
package main

import (
	"encoding/binary"
	"fmt"
	"log"

	"github.com/vmihailenco/msgpack/v5"
)

// The envelope's header: call_number u64, wall_time u64, payload_len u32.
const headerSize = 20

var (
	lastCall int64
	config   struct {
		Marker int64 `msgpack:"marker"`
	}
)

func main() {} // never runs: a reactor has no main, but the package needs one

//go:wasmexport pulp_init
func pulpInit(pointer, length uint32) int32 {
	log.SetFlags(0)
	if length > 0 {
		if err := msgpack.Unmarshal(at(pointer, length), &config); err != nil {
			log.Print("heartbeat: decode config: ", err)
			return 1
		}
	}
	fmt.Println("heartbeat: init, marker", config.Marker)
	return 0
}

//go:wasmexport pulp_step
func pulpStep(pointer, length uint32) int32 {
	envelope := at(pointer, length)
	if len(envelope) < headerSize {
		log.Printf("heartbeat: an envelope of %d bytes is too short", len(envelope))
		return 1
	}
	lastCall = int64(binary.LittleEndian.Uint64(envelope))
	return 0
}

//go:wasmexport pulp_shutdown
func pulpShutdown() int32 {
	fmt.Println("heartbeat: shutdown after call", lastCall)
	return 0
}

// The last call number seen: the host logs it at exit.
//
//go:wasmexport probe_last_call
func probeLastCall() int64 {
	return lastCall
}

// The marker as it came through the config: the host logs it at exit.
//
//go:wasmexport probe_config_marker
func probeConfigMarker() int64 {
	return config.Marker
}
