//! Server-sent events, as the WHATWG has them.

/// An event of a stream, as far as it has come.
#[derive(Default)]
pub(super) struct Event {
    pub(super) id: Option<String>,
    pub(super) data: Option<String>,
}

impl Event {
    /// Takes a line; whether the event is whole with it.
    pub(super) fn take(&mut self, line: &str) -> bool {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("id", _) => self.id = Some(value.to_owned()),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", data) => *data = Some(value.to_owned()),
            // Comments have no name, and keep the connection alive.
            _ => {}
        }
        line.is_empty()
    }
}
