// Command echo is the HTTP demo plugin, in Go: GET /echo/:msg answers with the parameter, POST /echo with the
// body. Build it as a reactor:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o build/echo-go.wasm .
package main

import (
	"encoding/binary"
	"fmt"
	"log"
)

// The envelope's header: call_number u64, wall_time u64, payload_len u32.
const headerSize = 20

// init runs inside _initialize, where every host import is live already.
func init() {
	log.SetFlags(0)
	for _, route := range []Route{{"GET", "/echo/:msg"}, {"POST", "/echo"}} {
		if err := register(route); err != nil {
			panic(err)
		}
	}
}

func main() {} // never runs: a reactor has no main, but the package needs one

//go:wasmexport pulp_init
func pulpInit(_, _ uint32) int32 {
	return 0
}

//go:wasmexport pulp_shutdown
func pulpShutdown() int32 {
	return 0
}

//go:wasmexport pulp_step
func pulpStep(pointer, length uint32) int32 {
	payload, err := payloadOf(at(pointer, length))
	if err == nil && len(payload) > 0 {
		err = step(payload)
	}
	if err != nil {
		log.Print("echo: ", err)
		return 1
	}
	return 0
}

// payloadOf gives the event in an envelope; none is a tick.
func payloadOf(envelope []byte) ([]byte, error) {
	if len(envelope) < headerSize {
		return nil, fmt.Errorf("an envelope of %d bytes is too short", len(envelope))
	}
	size := binary.LittleEndian.Uint32(envelope[16:])
	payload := envelope[headerSize:]
	if uint64(size) > uint64(len(payload)) {
		return nil, fmt.Errorf("an envelope says %d bytes and has %d", size, len(payload))
	}
	return payload[:size], nil
}

func step(payload []byte) error {
	request, err := decodeRequest(payload)
	if err != nil || request == nil {
		return err
	}
	return respond(answer(request))
}

func answer(request *Request) *Response {
	if request.Method == "POST" {
		contentType := request.Headers["Content-Type"]
		if contentType == "" {
			contentType = "application/octet-stream"
		}
		return reply(request, contentType, request.Body)
	}
	return reply(request, "text/plain; charset=utf-8", []byte(request.Params["msg"]))
}

func reply(request *Request, contentType string, body []byte) *Response {
	return &Response{
		ID:      request.ID,
		Status:  200,
		Headers: map[string]string{"Content-Type": contentType},
		Body:    body,
	}
}
