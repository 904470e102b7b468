package monitoring

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics count what happens. Their labels name neither environments nor callers: whoever reaches the server may read them.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	// Watchers, Watched and TurnedAway are of streams: those that are open, the operations they are of, and those for whom there was no room.
	Watchers   prometheus.Gauge
	Watched    prometheus.Gauge
	TurnedAway prometheus.Counter
}

// NewMetrics count from nothing.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lockstep_api_requests_total",
			Help: "Requests by route, method and status. Refusals have a status of 400 or more."}, []string{"route", "method", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "lockstep_api_request_duration_seconds",
			Help: "How long requests took; streams of events are left out.", Buckets: prometheus.DefBuckets}, []string{"route"}),
		Watchers:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "lockstep_api_watchers", Help: "Streams of events that are open."}),
		Watched:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "lockstep_api_watched_operations", Help: "Operations that somebody watches."}),
		TurnedAway: prometheus.NewCounter(prometheus.CounterOpts{Name: "lockstep_api_watchers_refused_total", Help: "Watchers for whom there was no room."}),
	}
	m.registry.MustRegister(m.requests, m.durations, m.Watchers, m.Watched, m.TurnedAway, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler shows them, as Prometheus reads them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// eventsRoute is that of streams, which take as long as they take.
const eventsRoute = "/v1/environments/{environment}/operations/{operation}/events"

// Answered counts a request. Routes and methods are those that there are: what else is asked for is not a label each.
func (m *Metrics) Answered(route, method string, status int, took time.Duration) {
	if route == "" {
		route, method = "none", "any"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if route != eventsRoute {
		m.durations.WithLabelValues(route).Observe(took.Seconds())
	}
}
