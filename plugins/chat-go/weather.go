package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	pulp "pulp-sdk-go"
)

const (
	maxCity = 64
	maxBody = 65_536
	// lookupTimeout is how long the chat may stand still for a lookup.
	lookupTimeout = 5 * time.Second
)

// weather is what the other server says of a city.
func weather(city string) *pulp.Response {
	// A dot segment would lead to another path of that server than the one in the manifest.
	if city == "" || len(city) > maxCity || city == "." || city == ".." {
		return failure(400, fmt.Sprintf("a city has 1 to %d characters", maxCity))
	}
	if config.WeatherURL == "" {
		return failure(502, "weather_url is not set in the manifest")
	}
	reply, err := pulp.Fetch(pulp.FetchRequest{
		URL:     config.WeatherURL + url.PathEscape(city),
		Headers: map[string]string{"Accept": "application/json"},
		Timeout: lookupTimeout,
	})
	if err != nil {
		return failure(502, "the weather server: "+err.Error())
	}
	if len(reply.Body) > maxBody {
		return failure(502, "the weather server: its answer is too long")
	}
	// Whatever that server says it is, it must not become a page of this one.
	response := pulp.Text(string(reply.Body))
	if strings.HasPrefix(strings.ToLower(reply.Headers["Content-Type"]), "application/json") {
		response.Headers["Content-Type"] = "application/json"
	}
	return response
}

func failure(status int, reason string) *pulp.Response {
	return pulp.JSON(status, map[string]string{"error": reason})
}
