// Command goroutines answers GET /sum/:token while goroutines of its own sleep and timers of its own fire: the Go
// scheduler then waits wherever the host enters the guest, pulp_alloc included. Every hundredth request sleeps in
// its step, too. The answer is the token and whether the timers went on.
//
// It needs no MessagePack library: it reads and writes the two messages by hand.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// The envelope's header: call_number u64, wall_time u64, payload_len u32.
const headerSize = 20

// woken counts how often goroutines and timers came back from their waits.
var woken atomic.Int64

//go:wasmimport pulp http_register
func httpRegister(pointer unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp http_respond
func httpRespond(pointer unsafe.Pointer, length uint32) uint32

func main() {} // never runs: a reactor has no main, but the package needs one

//go:wasmexport pulp_init
func pulpInit(_, _ uint32) int32 {
	for index := range 20 {
		go sleepAgainAndAgain(time.Duration(index%5+1) * time.Millisecond)
		fireAgainAndAgain(time.Duration(index%7+1) * time.Millisecond)
	}
	return int32(send(httpRegister, join(mapOf(2), text("method"), text("GET"), text("path"), text("/sum/:token"))))
}

func sleepAgainAndAgain(pause time.Duration) {
	for {
		time.Sleep(pause)
		woken.Add(1)
	}
}

func fireAgainAndAgain(pause time.Duration) {
	time.AfterFunc(pause, func() {
		woken.Add(1)
		fireAgainAndAgain(pause)
	})
}

//go:wasmexport pulp_shutdown
func pulpShutdown() int32 {
	return 0
}

//go:wasmexport pulp_step
func pulpStep(pointer, length uint32) int32 {
	envelope := at(pointer, length)
	payload := envelope[headerSize:]
	if len(payload) == 0 {
		return 0
	}
	if binary.LittleEndian.Uint64(envelope)%100 == 0 {
		time.Sleep(time.Millisecond)
	}
	// Work of goroutines in the middle of a step.
	parts := make(chan int)
	for index := range 4 {
		go func() {
			runtime.Gosched()
			parts <- index
		}()
	}
	sum := 0
	for range 4 {
		sum += <-parts
	}
	body := fmt.Sprintf("%s %d %d", token(payload), sum, woken.Load())
	return int32(send(httpRespond, join(mapOf(2), text("id"), id(payload), text("body"), text(body))))
}

// id gives the request's id as the host encoded it: cf and eight bytes behind its key.
func id(payload []byte) []byte {
	_, rest, _ := bytes.Cut(payload, text("id"))
	return rest[:9]
}

// token gives the parameter, a text of fewer than 32 bytes.
func token(payload []byte) []byte {
	_, rest, _ := bytes.Cut(payload, text("token"))
	return rest[1 : 1+rest[0]&31]
}

func mapOf(pairs byte) []byte {
	return []byte{0x80 | pairs}
}

// text encodes a text of fewer than 256 bytes, the short ones as the host encodes keys.
func text(value string) []byte {
	if len(value) < 32 {
		return append([]byte{0xa0 | byte(len(value))}, value...)
	}
	return append([]byte{0xd9, byte(len(value))}, value...)
}

func join(parts ...[]byte) []byte {
	return bytes.Join(parts, nil)
}

func send(call func(unsafe.Pointer, uint32) uint32, message []byte) uint32 {
	code := call(unsafe.Pointer(unsafe.SliceData(message)), uint32(len(message)))
	runtime.KeepAlive(message)
	return code
}
