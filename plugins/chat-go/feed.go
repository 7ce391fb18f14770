package main

import (
	"strconv"
	"time"

	pulp "pulp-sdk-go"
)

var (
	feed     = pulp.HandleEvents("/events")
	lastTick time.Time
)

// feedMessage passes a chat message on, by its number.
func feedMessage(encoded []byte, number uint64) {
	report(feed.Emit(pulp.Event{ID: strconv.FormatUint(number, 10), Name: "message", Data: string(encoded)}))
}

// tickFeed tells how it stands, if it is time to.
func tickFeed(now time.Time) {
	every := time.Duration(min(max(config.TickerSeconds, 1), 86_400)) * time.Second
	// A clock that was set back is no reason to be silent until it comes around again.
	if passed := now.Sub(lastTick); passed >= 0 && passed < every {
		return
	}
	lastTick = now
	data := encode(struct {
		Online   int    `json:"online"`
		Messages uint64 `json:"messages"`
		Time     int64  `json:"time"`
	}{len(names), messages, now.UnixMilli()})
	report(feed.Emit(pulp.Event{Name: "ticker", Data: string(data)}))
}
