//! XMP packets (ISO 16684-1, clause 7: the subset of RDF/XML that XMP is), as paths and values.
//!
//! A path is as XMP's own toolkit writes it: `dc:title[1]`, `xmpMM:History[2]/stEvt:action`,
//! `dc:title[1]/?xml:lang`. Prefixes are the usual ones, whatever the packet binds.

mod namespaces;

use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::{Prefix, ResolveResult},
};

use self::namespaces::prefixed;
use crate::xml;

/// Properties of one file. An edited photograph has a few hundred, most of them its history.
const MOST: usize = 1_000;

/// The deepest structure, and the longest path in bytes.
const DEEPEST: usize = 32;
const LONGEST_PATH: usize = 300;

/// Paths and values, in the order of the packet.
#[derive(Default)]
pub(crate) struct Properties {
    pub(crate) all: Vec<(String, String)>,
    /// Properties that were one too many.
    pub(crate) left_out: usize,
    /// Why the packet was not read to its end.
    pub(crate) fault: Option<String>,
}

impl Properties {
    /// Reads a packet until it is no XML.
    pub(crate) fn of(packet: &[u8]) -> Self {
        let document = xml::text(packet);
        // Some writers pad with zeros, which no XML may have.
        let mut reader = NsReader::from_str(document.trim_end_matches('\0'));
        reader.config_mut().expand_empty_elements = true;
        let mut parse = Parse { found: Self::default(), open: Vec::new() };
        loop {
            match reader.read_event() {
                Ok(Event::Eof) => break,
                Ok(Event::Start(element)) => parse.start(&reader, &element),
                Ok(Event::End(_)) => parse.end(),
                Ok(event) => parse.text(&event),
                Err(error) => {
                    parse.found.fault = Some(error.to_string());
                    break;
                }
            }
        }
        parse.found
    }

    /// A simple value.
    pub(crate) fn value(&self, path: &str) -> Option<&str> {
        self.all.iter().find(|(known, _)| known == path).map(|(_, value)| value.as_str())
    }

    /// The items of an array; a simple value is taken for one of a single item.
    pub(crate) fn items(&self, path: &str) -> Vec<&str> {
        let is_item = |known: &str| {
            known.strip_prefix(path).is_some_and(|rest| {
                rest.is_empty()
                    || rest
                        .strip_prefix('[')
                        .and_then(|rest| rest.strip_suffix(']'))
                        .is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
            })
        };
        self.all
            .iter()
            .filter(|(known, _)| is_item(known))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The default of a text in several languages; where none is marked as that, the first.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        let default = self.all.iter().find_map(|(known, value)| {
            let item = known.strip_suffix("/?xml:lang")?;
            (item.starts_with(path)
                && item.get(path.len()..)?.starts_with('[')
                && value == "x-default")
                .then(|| self.value(item))?
        });
        default.or_else(|| self.items(path).first().copied())
    }

    /// Adds what a second packet says.
    pub(crate) fn append(&mut self, other: Self) {
        self.left_out += other.left_out;
        for (path, value) in other.all {
            self.add(path, value);
        }
        self.fault = self.fault.take().or(other.fault);
    }

    fn add(&mut self, path: String, value: String) {
        if self.all.len() < MOST {
            self.all.push((path, value));
        } else {
            self.left_out += 1;
        }
    }
}

/// An element that is open. RDF's elements are resources and properties by turns.
enum Open {
    /// Not of RDF, or nothing that XMP has.
    Other,
    /// `rdf:RDF`, whose elements are resources.
    Rdf,
    /// What has properties: the picture, or a structure at a path.
    Resource(String),
    /// A property.
    Property { path: String, text: String, language: Option<String>, content: Content },
    /// `rdf:Alt`, `rdf:Bag`, `rdf:Seq`.
    Array { path: String, items: usize },
}

/// What a property has for a value.
#[derive(PartialEq, Eq)]
enum Content {
    /// The text inside.
    Text,
    /// Something else, which was or will be added under its own path.
    Other,
}

struct Parse {
    found: Properties,
    open: Vec<Open>,
}

impl Parse {
    fn start(&mut self, reader: &NsReader<&[u8]>, element: &BytesStart<'_>) {
        let (namespace, local) = reader.resolver().resolve_element(element.name());
        let name =
            name(&namespace, local.as_ref(), element.name().prefix().map(Prefix::into_inner));
        let too_deep = self.open.len() > DEEPEST;
        let next = match self.open.last_mut() {
            None | Some(Open::Other) if name == "rdf:RDF" => Open::Rdf,
            None | Some(Open::Other) => Open::Other,
            _ if too_deep => Open::Other,
            Some(Open::Rdf) => self.resource(reader, element, &name, ""),
            Some(Open::Resource(path)) => {
                let path = join(path, &name);
                self.property(reader, element, path)
            }
            Some(Open::Property { path, content, .. }) => {
                *content = Content::Other;
                let path = path.clone();
                match name.as_str() {
                    "rdf:Alt" | "rdf:Bag" | "rdf:Seq" => Open::Array { path, items: 0 },
                    _ => self.resource(reader, element, &name, &path),
                }
            }
            Some(Open::Array { path, items }) if name == "rdf:li" => {
                *items += 1;
                let path = format!("{path}[{items}]");
                self.property(reader, element, Some(path))
            }
            Some(Open::Array { .. }) => Open::Other,
        };
        self.open.push(next);
    }

    /// A description of the picture or of a structure; any other class of thing has its name as a
    /// path, so that its title is not the picture's.
    fn resource(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart<'_>,
        name: &str,
        path: &str,
    ) -> Open {
        let is_other_thing = path.is_empty() && name != "rdf:Description";
        let path = if is_other_thing { name.to_owned() } else { path.to_owned() };
        self.attributes(reader, element, &path);
        Open::Resource(path)
    }

    fn property(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart<'_>,
        path: Option<String>,
    ) -> Open {
        let Some(path) = path.filter(|path| path.len() <= LONGEST_PATH) else { return Open::Other };
        let said = self.attributes(reader, element, &path);
        match said.kind {
            Kind::Resource => Open::Resource(path),
            Kind::Short => Open::Property {
                path,
                text: String::new(),
                language: said.language,
                content: Content::Other,
            },
            Kind::Plain => Open::Property {
                path,
                text: String::new(),
                language: said.language,
                content: Content::Text,
            },
        }
    }

    /// Adds the properties that are written as attributes (7.9.2.2), and tells what else they say.
    fn attributes(
        &mut self,
        reader: &NsReader<&[u8]>,
        element: &BytesStart<'_>,
        path: &str,
    ) -> Said {
        let mut said = Said { kind: Kind::Plain, language: None };
        // Looking for doubles takes time that grows with the square of their number.
        for attribute in element.attributes().with_checks(false).map_while(Result::ok) {
            let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
            let prefix = attribute.key.prefix().map(Prefix::into_inner);
            let unbound = matches!(namespace, ResolveResult::Unbound);
            if unbound || attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let name = name(&namespace, local.as_ref(), prefix);
            let Some(value) = xml::value(&attribute) else { continue };
            match name.as_str() {
                "xml:lang" => said.language = Some(value),
                "rdf:about" | "rdf:ID" | "rdf:nodeID" | "rdf:datatype" => {}
                "rdf:parseType" if value == "Resource" => said.kind = Kind::Resource,
                "rdf:parseType" => {}
                "rdf:resource" | "rdf:value" => {
                    said.kind = Kind::Short;
                    self.found.add(path.to_owned(), value);
                }
                _ if name.starts_with("xml:") => {}
                _ => {
                    if said.kind == Kind::Plain {
                        said.kind = Kind::Short;
                    }
                    if let Some(path) = join(path, &name) {
                        self.found.add(path, value);
                    }
                }
            }
        }
        said
    }

    fn text(&mut self, event: &Event<'_>) {
        if let Some(Open::Property { text, content: Content::Text, .. }) = self.open.last_mut() {
            xml::push(text, event);
        }
    }

    fn end(&mut self) {
        if let Some(Open::Property { path, text, language, content: Content::Text }) =
            self.open.pop()
        {
            if let Some(language) = language {
                self.found.add(format!("{path}/?xml:lang"), language);
            }
            self.found.add(path, text);
        }
    }
}

/// What a property's attributes say of its value.
struct Said {
    kind: Kind,
    language: Option<String>,
}

#[derive(PartialEq, Eq)]
enum Kind {
    /// It is inside.
    Plain,
    /// The attributes were it (7.9.2.3, 7.9.2.4).
    Short,
    /// Properties are inside (7.9.2.5).
    Resource,
}

/// A name with the usual prefix of its namespace.
fn name(namespace: &ResolveResult<'_>, local: &str, written: Option<&str>) -> String {
    match namespace {
        ResolveResult::Bound(namespace) => {
            prefixed(namespace.as_ref(), local, written.unwrap_or_default())
        }
        _ => format!("?:{local}"),
    }
}

/// `rdf:value` is the value of what it stands in, beside its qualifiers (7.8). A path that is too
/// long is none.
fn join(path: &str, name: &str) -> Option<String> {
    let joined = match (path, name) {
        (path, "rdf:value") => path.to_owned(),
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}/{name}"),
    };
    (!joined.is_empty() && joined.len() <= LONGEST_PATH).then_some(joined)
}
