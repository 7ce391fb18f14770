package main

import (
	"encoding/json"
	"fmt"
	"log"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	pulp "pulp-sdk-go"
)

const (
	maxName    = 24
	maxText    = 500
	maxHistory = 20
	// notTaken closes a connection that sends messages of a kind that is not taken (RFC 6455, 7.4.1).
	notTaken = 1003
)

// notice is what a client gets. Which fields are there depends on the type.
type notice struct {
	Type    string            `json:"type"`
	Name    string            `json:"name,omitempty"`
	Text    string            `json:"text,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Online  int               `json:"online,omitempty"`
	History []json.RawMessage `json:"history,omitempty"`
	Time    int64             `json:"time"`
}

var (
	names    = map[uint64]string{}
	history  = []json.RawMessage{}
	messages uint64
)

func welcome(socket *pulp.Socket) {
	name := freeName(clean(socket.Query["name"], maxName), socket.ID)
	names[socket.ID] = name
	tell(socket, struct {
		notice
		// Also when it is empty.
		History []json.RawMessage `json:"history"`
	}{notice{Type: "welcome", Name: name, Online: len(names), Time: now()}, history})
	tellOthers(socket, notice{Type: "joined", Name: name, Online: len(names), Time: now()})
}

func say(socket *pulp.Socket, message pulp.Message) {
	if message.Opcode != pulp.OpcodeText {
		report(socket.Close(notTaken, "text only"))
		return
	}
	text := clean(string(message.Data), len(message.Data))
	if text == "" || utf8.RuneCountInString(text) > maxText {
		reason := fmt.Sprintf("a message has 1 to %d characters", maxText)
		tell(socket, notice{Type: "refused", Reason: reason, Time: now()})
		return
	}
	encoded := encode(notice{Type: "message", Name: names[socket.ID], Text: text, Time: now()})
	messages++
	history = append(history, encoded)
	if len(history) > maxHistory {
		history = history[1:]
	}
	for _, other := range pulp.Sockets() {
		report(other.SendText(string(encoded)))
	}
	feedMessage(encoded, messages)
}

func leave(socket *pulp.Socket, code int, _ string) {
	name := names[socket.ID]
	delete(names, socket.ID)
	log.Printf("chat: connection %d ended with %d", socket.ID, code)
	// Zero is left out of a notice, and nobody would read it.
	tellOthers(socket, notice{Type: "left", Name: name, Online: len(names), Time: now()})
}

func tellOthers(about *pulp.Socket, what notice) {
	encoded := string(encode(what))
	for _, socket := range pulp.Sockets() {
		if socket.ID != about.ID {
			report(socket.SendText(encoded))
		}
	}
}

func tell(socket *pulp.Socket, what any) { report(socket.SendText(string(encode(what)))) }

func encode(what any) []byte {
	encoded, err := json.Marshal(what)
	report(err)
	return encoded
}

func report(err error) {
	if err != nil {
		log.Print("chat: ", err)
	}
}

// clean makes one line of at most so many characters: what breaks lines, or changes the direction of writing,
// becomes a blank.
func clean(text string, most int) string {
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	runes := []rune(strings.TrimSpace(line))
	return strings.TrimSpace(string(runes[:min(len(runes), most)]))
}

// freeName gives the name, or one like it that nobody else has.
func freeName(name string, id uint64) string {
	if name == "" {
		name = fmt.Sprintf("guest-%d", id)
	}
	for taken(name) {
		name = fmt.Sprintf("%s-%d", name, id)
	}
	return name
}

func taken(name string) bool {
	for _, other := range names {
		if other == name {
			return true
		}
	}
	return false
}

func now() int64 { return time.Now().UnixMilli() }
