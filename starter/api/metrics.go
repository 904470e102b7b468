package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count what happens. Their labels name neither environments nor callers: whoever reaches the server may read them.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	watchers   prometheus.Gauge
	watched    prometheus.Gauge
	turnedAway prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lockstep_api_requests_total",
			Help: "Requests by route, method and status. Refusals have a status of 400 or more."}, []string{"route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lockstep_api_request_duration_seconds",
			Help: "How long requests took; streams of events are left out.", Buckets: prometheus.DefBuckets}, []string{"route"}),
		watchers:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "lockstep_api_watchers", Help: "Streams of events that are open."}),
		watched:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "lockstep_api_watched_operations", Help: "Operations that somebody watches."}),
		turnedAway: prometheus.NewCounter(prometheus.CounterOpts{Name: "lockstep_api_watchers_refused_total", Help: "Watchers for whom there was no room."}),
	}
	m.registry.MustRegister(m.requests, m.durations, m.watchers, m.watched, m.turnedAway, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// eventsRoute is that of streams, which take as long as they take.
const eventsRoute = "/v1/environments/{environment}/operations/{operation}/events"

// answered counts a request. Routes and methods are those that there are: what else is asked for is not a label each.
func (m *metrics) answered(route, method string, status int, took time.Duration) {
	if route == "" {
		route, method = "none", "any"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if route != eventsRoute {
		m.durations.WithLabelValues(route).Observe(took.Seconds())
	}
}
