// Program msgpack-go is the other side of an agreement test: github.com/vmihailenco/msgpack/v5, which the Go
// host and its plugins use, reads what the TypeScript codec wrote and writes what that must read.
//
// Each line on stdin is a command and a message in hex; the answer is one line:
//
//	value <hex>    a description of the value as the library reads it, a space, and the value as the
//	               library writes it, in hex. Maps are described in the order of the message.
//	config <hex>   the Go types that a plugin finds when it decodes [config] into a map
//	request <hex>  a StepEvent with an HTTPRequest, decoded into the structs of a plugin, as JSON
//	response <n>   the n-th HTTPResponse as a plugin encodes it, in hex
//
// A line that cannot be answered is answered by "error: " and the reason.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		answer, err := answerLine(lines.Text())
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(out, answer)
	}
}

func answerLine(line string) (string, error) {
	command, argument, _ := strings.Cut(line, " ")
	if command == "response" {
		return encodeResponse(argument)
	}
	message, err := hex.DecodeString(argument)
	if err != nil {
		return "", err
	}
	switch command {
	case "value":
		return describe(message)
	case "config":
		return configTypes(message)
	case "request":
		return decodeRequest(message)
	}
	return "", fmt.Errorf("unknown command %q", command)
}

// describe reads a value and writes it again, both by the library's own functions for its kind.
func describe(message []byte) (string, error) {
	input := bytes.NewReader(message)
	var again bytes.Buffer
	walk := walker{dec: msgpack.NewDecoder(input), enc: msgpack.NewEncoder(&again)}
	if err := walk.value(); err != nil {
		return "", err
	}
	if input.Len() > 0 {
		return "", fmt.Errorf("%d bytes were not read", input.Len())
	}
	return walk.text.String() + " " + hex.EncodeToString(again.Bytes()), nil
}

type walker struct {
	dec  *msgpack.Decoder
	enc  *msgpack.Encoder
	text strings.Builder
}

func (w *walker) value() error {
	code, err := w.dec.PeekCode()
	if err != nil {
		return err
	}
	switch {
	case code == msgpcode.Nil:
		w.text.WriteString("nil")
		return errors.Join(w.dec.DecodeNil(), w.enc.EncodeNil())
	case code == msgpcode.False || code == msgpcode.True:
		value, err := w.dec.DecodeBool()
		fmt.Fprintf(&w.text, "%t", value)
		return errors.Join(err, w.enc.EncodeBool(value))
	case code == msgpcode.Uint64:
		value, err := w.dec.DecodeUint64()
		fmt.Fprintf(&w.text, "i%d", value)
		return errors.Join(err, w.enc.EncodeUint(value))
	case msgpcode.IsFixedNum(code) || code >= msgpcode.Uint8 && code <= msgpcode.Int64:
		value, err := w.dec.DecodeInt64()
		fmt.Fprintf(&w.text, "i%d", value)
		return errors.Join(err, w.enc.EncodeInt(value))
	case code == msgpcode.Float || code == msgpcode.Double:
		value, err := w.dec.DecodeFloat64()
		fmt.Fprintf(&w.text, "f%016x", math.Float64bits(value))
		return errors.Join(err, w.enc.EncodeFloat64(value))
	case msgpcode.IsString(code):
		value, err := w.dec.DecodeString()
		fmt.Fprintf(&w.text, "s%x", value)
		return errors.Join(err, w.enc.EncodeString(value))
	case msgpcode.IsBin(code):
		value, err := w.dec.DecodeBytes()
		fmt.Fprintf(&w.text, "b%x", value)
		return errors.Join(err, w.enc.EncodeBytes(value))
	case msgpcode.IsFixedArray(code) || code == msgpcode.Array16 || code == msgpcode.Array32:
		return w.array()
	case msgpcode.IsFixedMap(code) || code == msgpcode.Map16 || code == msgpcode.Map32:
		return w.mapping()
	case msgpcode.IsExt(code):
		return w.extension()
	}
	return fmt.Errorf("byte %#x begins no value", code)
}

func (w *walker) array() error {
	count, err := w.dec.DecodeArrayLen()
	if err = errors.Join(err, w.enc.EncodeArrayLen(count)); err != nil {
		return err
	}
	w.text.WriteString("[")
	for index := 0; index < count; index++ {
		if index > 0 {
			w.text.WriteString(",")
		}
		if err := w.value(); err != nil {
			return err
		}
	}
	w.text.WriteString("]")
	return nil
}

func (w *walker) mapping() error {
	count, err := w.dec.DecodeMapLen()
	if err = errors.Join(err, w.enc.EncodeMapLen(count)); err != nil {
		return err
	}
	w.text.WriteString("{")
	for index := 0; index < count; index++ {
		if index > 0 {
			w.text.WriteString(",")
		}
		if err := w.value(); err != nil {
			return err
		}
		w.text.WriteString(":")
		if err := w.value(); err != nil {
			return err
		}
	}
	w.text.WriteString("}")
	return nil
}

func (w *walker) extension() error {
	// The library decodes timestamps only as a whole, so the header is read from a copy to see the type.
	raw, err := w.dec.DecodeRaw()
	if err != nil {
		return err
	}
	copied := msgpack.NewDecoder(bytes.NewReader(raw))
	id, size, err := copied.DecodeExtHeader()
	if err != nil {
		return err
	}
	if id == -1 {
		value, err := msgpack.NewDecoder(bytes.NewReader(raw)).DecodeTime()
		fmt.Fprintf(&w.text, "t%d.%d", value.Unix(), value.Nanosecond())
		return errors.Join(err, w.enc.EncodeTime(value))
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(copied.Buffered(), data); err != nil {
		return err
	}
	fmt.Fprintf(&w.text, "x%d.%x", id, data)
	if err := w.enc.EncodeExtHeader(id, size); err != nil {
		return err
	}
	_, err = w.enc.Writer().Write(data)
	return err
}

// configTypes says which Go type each key of [config] has, since plugins assert on them.
func configTypes(message []byte) (string, error) {
	var config map[string]any
	if err := msgpack.Unmarshal(message, &config); err != nil {
		return "", err
	}
	var types []string
	for key, value := range config {
		text := fmt.Sprintf("%s=%T", key, value)
		if at, ok := value.(time.Time); ok {
			text += "(" + at.UTC().Format(time.RFC3339Nano) + ")"
		}
		types = append(types, text)
	}
	sort.Strings(types)
	return strings.Join(types, " "), nil
}

type stepEvent struct {
	Kind    string             `msgpack:"kind"`
	Payload msgpack.RawMessage `msgpack:"payload"`
}

type httpRequest struct {
	ID         uint64            `msgpack:"id"`
	Method     string            `msgpack:"method"`
	Path       string            `msgpack:"path"`
	Params     map[string]string `msgpack:"params"`
	Query      map[string]string `msgpack:"query"`
	Headers    map[string]string `msgpack:"headers"`
	Body       []byte            `msgpack:"body"`
	RemoteAddr string            `msgpack:"remote_addr"`
}

func decodeRequest(message []byte) (string, error) {
	var event stepEvent
	if err := msgpack.Unmarshal(message, &event); err != nil {
		return "", err
	}
	var request httpRequest
	if err := msgpack.Unmarshal(event.Payload, &request); err != nil {
		return "", err
	}
	text, err := json.Marshal(struct {
		Kind    string
		Request httpRequest
	}{event.Kind, request})
	return string(text), err
}

type httpResponse struct {
	ID      uint64            `msgpack:"id"`
	Status  int               `msgpack:"status"`
	Headers map[string]string `msgpack:"headers"`
	Body    []byte            `msgpack:"body"`
}

type arrayResponse struct {
	_msgpack struct{} `msgpack:",as_array"`
	httpResponse
}

type cookieResponse struct {
	ID      uint64              `msgpack:"id"`
	Status  uint16              `msgpack:"status"`
	Headers map[string][]string `msgpack:"headers"`
	Body    string              `msgpack:"body,omitempty"`
	Cookies []string            `msgpack:"cookies"`
}

// encodeResponse gives responses in the forms that plugins are known to send.
func encodeResponse(number string) (string, error) {
	headers := map[string]string{"Content-Type": "text/plain"}
	responses := map[string]any{
		"map":     httpResponse{ID: 1 << 44, Status: 201, Headers: headers, Body: []byte("hello")},
		"nils":    httpResponse{ID: 2},
		"array":   arrayResponse{httpResponse: httpResponse{ID: 3, Status: -5, Headers: headers, Body: []byte{}}},
		"cookies": cookieResponse{ID: 4, Status: 200, Headers: map[string][]string{"A": {"b", "c"}}, Cookies: []string{"d=e"}},
		"any":     map[string]any{"id": 5, "status": int8(100), "body": "text", "extra": []any{1.5, nil}},
	}
	response, ok := responses[number]
	if !ok {
		return "", fmt.Errorf("unknown response %q", number)
	}
	message, err := msgpack.Marshal(response)
	return hex.EncodeToString(message), err
}
