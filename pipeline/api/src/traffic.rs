//! Requests, counted.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::Method;

/// Upper bounds of the histogram's buckets, in seconds: from a catalog look-up to a slow upload.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];

/// Counters of this router: nothing is global, so two routers in one process do not mix.
#[derive(Default)]
pub(crate) struct Traffic(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    requests: BTreeMap<(&'static str, String, u16), u64>,
    durations: BTreeMap<String, Histogram>,
}

#[derive(Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Traffic {
    /// Counts a request that was answered. `route` is a route's pattern, so that the number of
    /// series does not depend on what clients ask for.
    pub(crate) fn count(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        let mut counts = self.lock();
        *counts.requests.entry((label(method), route.to_owned(), status)).or_default() += 1;
        let histogram = counts.durations.entry(route.to_owned()).or_default();
        histogram.count += 1;
        histogram.sum += seconds;
        for (bucket, bound) in histogram.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// The counters in the Prometheus text format.
    pub(crate) fn render(&self) -> String {
        let counts = self.lock();
        let mut text = String::from(
            "# HELP darkroom_http_requests_total Requests answered.\n\
             # TYPE darkroom_http_requests_total counter\n",
        );
        // Writing to a string does not fail.
        for ((method, route, status), count) in &counts.requests {
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            let _ = writeln!(text, "darkroom_http_requests_total{{{labels}}} {count}");
        }
        text.push_str(
            "# HELP darkroom_http_request_duration_seconds Time from a request's head to its answer's.\n\
             # TYPE darkroom_http_request_duration_seconds histogram\n",
        );
        for (route, histogram) in &counts.durations {
            let Histogram { buckets, count, sum } = histogram;
            let name = "darkroom_http_request_duration_seconds";
            for (bucket, bound) in buckets.iter().zip(BOUNDS) {
                let _ =
                    writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {bucket}");
            }
            let _ = writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(text, "{name}_sum{{route=\"{route}\"}} {sum}");
            let _ = writeln!(text, "{name}_count{{route=\"{route}\"}} {count}");
        }
        text
    }

    /// A holder that panicked left whole values behind: every change is one addition.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Clients may invent methods; a label may not.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
