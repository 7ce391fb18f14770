package pulp

import (
	"fmt"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// Socket is a WebSocket connection.
type Socket struct {
	ID      uint64            `msgpack:"conn_id"`
	Path    string            `msgpack:"path"`
	Query   map[string]string `msgpack:"query"`
	Headers map[string]string `msgpack:"headers"`
}

// Message is a whole message of a connection.
type Message struct {
	ID     uint64 `msgpack:"conn_id"`
	Opcode int    `msgpack:"opcode"`
	Data   []byte `msgpack:"payload"`
}

// The opcodes of messages.
const (
	OpcodeText   = 1
	OpcodeBinary = 2
)

// SocketHandlers is what happens on the connections of a path. Each may be nil.
type SocketHandlers struct {
	Open    func(*Socket)
	Message func(*Socket, Message)
	// Close gets the peer's code and reason: 1005 for none, 1006 for a broken connection.
	Close func(socket *Socket, code int, reason string)
}

var (
	sockets        = map[uint64]*Socket{}
	socketHandlers = map[string]SocketHandlers{}
)

//go:wasmimport pulp ws_register
func wsRegister(pointer unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp ws_send
func wsSend(pointer unsafe.Pointer, length uint32) uint32

//go:wasmimport pulp ws_close
func wsClose(pointer unsafe.Pointer, length uint32) uint32

// HandleWebSocket takes the WebSocket connections of a path. It panics when the host refuses it.
func HandleWebSocket(path string, handlers SocketHandlers) {
	given := []byte(path)
	if err := check("ws_register", wsRegister(pointerTo(given), uint32(len(given)))); err != nil {
		panic(fmt.Sprintf("pulp.HandleWebSocket: %s: %v", path, err))
	}
	socketHandlers[path] = handlers
	events["ws.open"] = opened
	events["ws.frame"] = received
	events["ws.close"] = closed
}

// Sockets gives all connections that are open.
func Sockets() []*Socket {
	all := make([]*Socket, 0, len(sockets))
	for _, socket := range sockets {
		all = append(all, socket)
	}
	return all
}

// SendText sends a text message.
func (s *Socket) SendText(text string) error { return s.send(OpcodeText, []byte(text)) }

// SendBinary sends a binary message.
func (s *Socket) SendBinary(data []byte) error { return s.send(OpcodeBinary, data) }

func (s *Socket) send(opcode int, data []byte) error {
	return send("ws_send", wsSend, Message{s.ID, opcode, data})
}

type closing struct {
	ID     uint64 `msgpack:"conn_id"`
	Code   int    `msgpack:"code"`
	Reason string `msgpack:"reason"`
}

// Close begins the closing handshake. Code 0 means 1000.
func (s *Socket) Close(code int, reason string) error {
	return send("ws_close", wsClose, closing{s.ID, code, reason})
}

func opened(payload msgpack.RawMessage) error {
	socket := &Socket{}
	if err := msgpack.Unmarshal(payload, socket); err != nil {
		return fmt.Errorf("decode ws.open: %w", err)
	}
	sockets[socket.ID] = socket
	if handle := socketHandlers[socket.Path].Open; handle != nil {
		handle(socket)
	}
	return nil
}

func received(payload msgpack.RawMessage) error {
	var message Message
	if err := msgpack.Unmarshal(payload, &message); err != nil {
		return fmt.Errorf("decode ws.frame: %w", err)
	}
	socket := sockets[message.ID]
	if socket == nil {
		return nil
	}
	if handle := socketHandlers[socket.Path].Message; handle != nil {
		handle(socket, message)
	}
	return nil
}

func closed(payload msgpack.RawMessage) error {
	var end closing
	if err := msgpack.Unmarshal(payload, &end); err != nil {
		return fmt.Errorf("decode ws.close: %w", err)
	}
	socket := sockets[end.ID]
	if socket == nil {
		return nil
	}
	delete(sockets, end.ID)
	if handle := socketHandlers[socket.Path].Close; handle != nil {
		handle(socket, end.Code, end.Reason)
	}
	return nil
}
