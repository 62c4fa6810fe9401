//! What an SVG would cost, counted before it is built and before it is drawn. There is no clock in
//! this crate: work is bounded by elements and by pixels touched.

use std::collections::HashMap;

use resvg::usvg::{self, Group, Node, roxmltree};

use crate::fault::{Fault, FaultCode};
use crate::geometry::Size;

/// Elements, texts and comments of a document.
pub(super) const NODES: u32 = 200_000;

/// Elements after every `use` was replaced by what it refers to.
const EXPANDED: u64 = 100_000;

/// Groups within groups.
const DEPTH: usize = 200;

/// Layers of the size of the picture that may stand at a time.
pub(super) const LAYERS: u64 = 8;

/// Pixels that may be touched in all layers, masks, patterns and filters: some two seconds.
const PIXELS: f64 = 250e6;

/// Refuses a document that would expand beyond [`EXPANDED`] or nest deeper than [`DEPTH`]. What
/// refers to itself is broken off by usvg.
pub(super) fn expanded(document: &roxmltree::Document<'_>) -> Result<(), Fault> {
    let ids: HashMap<&str, roxmltree::Node<'_, '_>> = document
        .descendants()
        .filter_map(|node| node.attribute("id").map(|id| (id, node)))
        .collect();
    let mut known: HashMap<roxmltree::NodeId, Weight> = HashMap::new();
    let total = weigh(document.root(), &ids, &mut known, 0)?;
    if total > EXPANDED {
        return Err(Fault::new(
            FaultCode::TooMuchMemory,
            format!("The SVG stands for {total} elements; the most is {EXPANDED}."),
        ));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Weight {
    /// Being counted: a reference to it from within is one to itself.
    Open,
    Known(u64),
}

fn weigh<'a, 'i>(
    node: roxmltree::Node<'a, 'i>,
    ids: &HashMap<&str, roxmltree::Node<'a, 'i>>,
    known: &mut HashMap<roxmltree::NodeId, Weight>,
    depth: usize,
) -> Result<u64, Fault> {
    if depth > DEPTH {
        return Err(Fault::damaged(format!("The SVG nests deeper than {DEPTH} elements.")));
    }
    match known.get(&node.id()) {
        Some(Weight::Known(weight)) => return Ok(*weight),
        Some(Weight::Open) => return Ok(0),
        None => {}
    }
    known.insert(node.id(), Weight::Open);
    let mut weight = 1_u64;
    for child in node.children().filter(roxmltree::Node::is_element) {
        weight = weight.saturating_add(weigh(child, ids, known, depth + 1)?);
    }
    // `use` by href; patterns, masks, markers, clip paths and filters by `url(#id)`.
    for attribute in node.attributes() {
        for target in references(attribute.name(), attribute.value()) {
            if let Some(target) = ids.get(target) {
                weight = weight.saturating_add(weigh(*target, ids, known, depth + 1)?);
            }
        }
    }
    known.insert(node.id(), Weight::Known(weight));
    Ok(weight)
}

/// The names that a value refers to within the document.
fn references<'v>(name: &str, value: &'v str) -> impl Iterator<Item = &'v str> {
    let href = (name == "href").then(|| value.trim().strip_prefix('#')).flatten();
    let urls = value.split("url(").skip(1).filter_map(|rest| {
        let (inner, _) = rest.split_once(')')?;
        inner.trim().trim_matches(['"', '\'']).strip_prefix('#')
    });
    href.into_iter().chain(urls)
}

/// Refuses a tree whose layers, masks, patterns and filters would touch more than [`PIXELS`].
pub(super) fn check(tree: &usvg::Tree, size: Size) -> Result<(), Fault> {
    let mut bill = Bill { canvas: f64::from(size.width) * f64::from(size.height), pixels: 0.0 };
    // The tree may be drawn at another scale than its own.
    let scale = f64::from(size.width) / f64::from(tree.size().width());
    bill.group(tree.root(), 0, scale.max(1e-3))?;
    Ok(())
}

struct Bill {
    canvas: f64,
    pixels: f64,
}

impl Bill {
    fn add(&mut self, pixels: f64) -> Result<(), Fault> {
        self.pixels += pixels;
        // The picture itself is no layer: a large one is bounded by the limits.
        if self.pixels > PIXELS {
            return Err(Fault::new(
                FaultCode::TooManyPixels,
                format!("The SVG would touch more than {PIXELS} pixels in its layers."),
            ));
        }
        Ok(())
    }

    /// `layers` stand already.
    fn group(&mut self, group: &Group, layers: u64, scale: f64) -> Result<(), Fault> {
        let mut layers = layers;
        if group.should_isolate() {
            layers += 1;
            if layers > LAYERS {
                return Err(Fault::new(
                    FaultCode::TooMuchMemory,
                    format!("The SVG has more than {LAYERS} layers within each other."),
                ));
            }
            let area = group.abs_layer_bounding_box();
            let area = f64::from(area.width()) * f64::from(area.height()) * scale * scale;
            let area = area.min(self.canvas);
            self.add(area)?;
            for filter in group.filters() {
                // Regions may be larger than the picture; resvg cuts them at 5 × 5 of it.
                let region = filter.rect();
                let region = f64::from(region.width()) * f64::from(region.height()) * scale * scale;
                let region = region.min(self.canvas * 25.0);
                let steps: f64 = filter.primitives().iter().map(|step| weight(step.kind())).sum();
                self.add(region * (1.0 + steps))?;
            }
            if let Some(mask) = group.mask() {
                self.add(area)?;
                self.group(mask.root(), layers, scale)?;
            }
            if let Some(clip) = group.clip_path() {
                self.add(area)?;
                self.group(clip.root(), layers, scale)?;
            }
        }
        for child in group.children() {
            match child {
                Node::Group(inner) => self.group(inner, layers, scale)?,
                Node::Path(path) => {
                    let paints = [
                        path.fill().map(usvg::Fill::paint),
                        path.stroke().map(usvg::Stroke::paint),
                    ];
                    for paint in paints.into_iter().flatten() {
                        if let usvg::Paint::Pattern(pattern) = paint {
                            let rect = pattern.rect();
                            let area = f64::from(rect.width()) * f64::from(rect.height());
                            self.add((area * scale * scale).min(self.canvas * 4.0))?;
                            self.group(pattern.root(), layers + 1, scale)?;
                        }
                    }
                    // Every path is filled by rows of what it covers.
                    let area = path.abs_stroke_bounding_box();
                    let area = f64::from(area.width()) * f64::from(area.height()) * scale * scale;
                    self.add(area.min(self.canvas) / 8.0)?;
                }
                Node::Image(image) => {
                    self.add(self.canvas / 4.0)?;
                    if let usvg::ImageKind::SVG(tree) = image.kind() {
                        self.group(tree.root(), layers + 1, scale)?;
                    }
                }
                Node::Text(_) => {}
            }
        }
        Ok(())
    }
}

/// What a filter's step costs for a pixel, relative to a copy.
fn weight(kind: &usvg::filter::Kind) -> f64 {
    use usvg::filter::Kind;
    match kind {
        Kind::ConvolveMatrix(matrix) => {
            f64::from(matrix.matrix().columns()) * f64::from(matrix.matrix().rows())
        }
        Kind::Morphology(morphology) => {
            let side = |radius: f32| f64::from(radius) * 2.0 + 1.0;
            side(morphology.radius_x().get()) * side(morphology.radius_y().get())
        }
        Kind::Turbulence(turbulence) => 20.0 * f64::from(turbulence.num_octaves()),
        Kind::GaussianBlur(_) | Kind::DropShadow(_) => 8.0,
        Kind::DiffuseLighting(_) | Kind::SpecularLighting(_) => 8.0,
        _ => 2.0,
    }
}
