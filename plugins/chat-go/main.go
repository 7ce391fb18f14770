// Command chat-go is plugins/chat in Go: a page to chat on, its WebSocket, its feed of events and a lookup.
package main

import (
	_ "embed"
	"html"
	"strings"

	pulp "pulp-sdk-go"
)

//go:embed page.html
var page string

//go:embed chat.js
var script []byte

// policy lets the page load and send nothing but what this plugin serves, whatever markup might slip in.
const policy = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; " +
	"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

var config = struct {
	Title         string `msgpack:"title"`
	WeatherURL    string `msgpack:"weather_url"`
	TickerSeconds int64  `msgpack:"ticker_seconds"`
}{Title: "Pulp chat", TickerSeconds: 5}

func init() {
	pulp.OnInit(func() error { return pulp.Config(&config) })
	pulp.OnTick(tickFeed)
	pulp.HandleWebSocket("/ws", pulp.SocketHandlers{Open: welcome, Message: say, Close: leave})
	pulp.Handle("GET /", func(*pulp.Request) *pulp.Response {
		text := strings.ReplaceAll(page, "{{title}}", html.EscapeString(config.Title))
		response := guarded(pulp.HTML([]byte(text)))
		response.Headers["Content-Security-Policy"] = policy
		return response
	})
	pulp.Handle("GET /chat.js", func(*pulp.Request) *pulp.Response {
		return guarded(&pulp.Response{
			Headers: map[string]string{"Content-Type": "text/javascript; charset=utf-8"},
			Body:    script,
		})
	})
	pulp.Handle("GET /weather/:city", func(r *pulp.Request) *pulp.Response {
		return guarded(weather(r.Params["city"]))
	})
}

func main() {} // never runs: a reactor has no main, but the package needs one

// guarded makes what is served what its type says, asked for anew each time.
func guarded(response *pulp.Response) *pulp.Response {
	response.Headers["X-Content-Type-Options"] = "nosniff"
	response.Headers["Cache-Control"] = "no-store"
	return response
}
