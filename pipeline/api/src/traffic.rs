//! Requests, counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::Method;

use crate::exposition::{Exposition, Histogram};

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

impl Traffic {
    /// Counts a request that was answered. `route` is a route's pattern, so that the number of
    /// series does not depend on what clients ask for.
    pub(crate) fn count(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        let mut counts = self.lock();
        *counts.requests.entry((label(method), route.to_owned(), status)).or_default() += 1;
        let durations = counts.durations.entry(route.to_owned());
        durations.or_insert_with(|| Histogram::new(&BOUNDS)).add(seconds);
    }

    /// The counters in the Prometheus text format.
    pub(crate) fn render(&self) -> String {
        let counts = self.lock();
        let mut text = Exposition::default();
        let name = "darkroom_http_requests_total";
        text.family(name, "counter", "Requests answered.");
        for ((method, route, status), count) in &counts.requests {
            let status = status.to_string();
            text.sample(name, &[("method", method), ("route", route), ("status", &status)], count);
        }
        let name = "darkroom_http_request_duration_seconds";
        text.family(name, "histogram", "Time from a request's head to its answer's.");
        for (route, durations) in &counts.durations {
            text.histogram(name, ("route", route), durations);
        }
        text.into_text()
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
