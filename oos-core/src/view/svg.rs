//! A plan as one SVG file: no script, no link, no font or style sheet from elsewhere; colours for light and dark.
//!
//! A child chart is drawn inside its node, so no line crosses the border of a chart.

use std::fmt::Write;

use super::{
    flow::{Flow, Line, Node, Point, Source, Style},
    graphics::{PALETTE, class},
    layout::{Arc, Layout, Place, Size, layout},
    shape::Shape,
    trace::Trace,
    words::{clean, columns, cut},
};
use crate::{
    machine::TaskStatus,
    plan::{Plan, PlanSet},
};

/// The plan as a self-contained SVG; with a trace also its outcomes.
pub fn svg(plan: &Plan, trace: Option<&Trace>) -> String {
    draw(plan, Source { trace, plans: None })
}

/// The same with child templates among `plans` drawn inside their tasks.
pub fn svg_with(plan: &Plan, trace: Option<&Trace>, plans: &PlanSet) -> String {
    draw(plan, Source { trace, plans: Some(plans) })
}

/// Room around the drawing.
const MARGIN: f64 = 20.0;
/// CHOICE: width of one column of the name and of the smaller lines, a little more than common fonts take.
const NAME_COLUMN: f64 = 7.9;
const SMALL_COLUMN: f64 = 6.4;
/// Height of a line.
const LINE: f64 = 17.0;
/// Room above and below the lines of a node, and beside them.
const PAD: f64 = 9.0;
const SIDE: f64 = 14.0;
/// CHOICE: columns of a line in a node; the whole text is in its tooltip.
const WIDEST: usize = 44;
/// Width of the slanted sides of a hexagon.
const SLANT: f64 = 14.0;
/// Radius of the points where a chart begins and ends.
const DOT: f64 = 8.0;
/// Room between lines that leave the same node.
const PORT: f64 = 52.0;
/// Height of a label.
const LABEL: f64 = 12.0;
/// CHOICE: how much straighter plain lines are than others.
const PLAIN_WEIGHT: f64 = 8.0;

fn draw(plan: &Plan, source: Source<'_>) -> String {
    let flow = source.flow(plan);
    let drawn = Drawn::new(&flow);
    let (width, height) = (drawn.laid.size.width + 2.0 * MARGIN, drawn.laid.size.height + 2.0 * MARGIN);
    let title = escape(&clean(flow.title.as_deref().unwrap_or("template")));
    let mut out = String::new();
    put(
        &mut out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" class=\"oos\">"
        ),
    );
    put(&mut out, format_args!("<title>{title}</title>"));
    put(&mut out, format_args!("<style>{}</style>", style_sheet()));
    put(
        &mut out,
        format_args!("<defs>{}{}</defs>", arrow("oos-arrow", "head"), arrow("oos-arrow-taken", "head taken")),
    );
    put(&mut out, format_args!("<rect class=\"ground\" width=\"100%\" height=\"100%\"/>"));
    drawn.write(&mut out, &flow, Place { x: MARGIN, y: MARGIN });
    put(&mut out, format_args!("</svg>"));
    out
}

fn put(out: &mut String, words: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(words).and_then(|()| out.write_char('\n'));
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn arrow(id: &str, class: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" \
         markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"{class}\" d=\"M0,1L10,5L0,9z\"/></marker>"
    )
}

/// Light colours, then the dark ones for readers who want them.
fn style_sheet() -> String {
    let mut css = String::from(
        ".oos{font-family:system-ui,-apple-system,\"Segoe UI\",\"PingFang SC\",\"Microsoft YaHei\",\"Noto Sans CJK SC\",sans-serif}\
         .oos text{font-size:11px;text-anchor:middle;fill:#374151}.oos .name{font-size:13px;font-weight:600;fill:#111827}\
         .oos .label{text-anchor:start;fill:#4b5563}\
         .oos .left{text-anchor:end}.oos .group{fill-opacity:.35}\
         .oos .ground{fill:#ffffff}.oos .box{fill:#f9fafb;stroke:#6b7280;stroke-width:1.4}\
         .oos .mark{fill:#6b7280}.oos .head{fill:#6b7280}.oos .head.taken{fill:#111827}\
         .oos .line{fill:none;stroke:#6b7280;stroke-width:1.3}.oos .line.taken{stroke:#111827;stroke-width:2.4}\
         .oos .error{stroke-dasharray:6 4}.oos .skip{stroke-dasharray:2 4}",
    );
    let mut dark = String::from(
        ".oos text{fill:#d1d5db}.oos .name{fill:#f9fafb}.oos .label{fill:#9ca3af}.oos .ground{fill:#111827}\
         .oos .box{fill:#1f2937;stroke:#9ca3af}.oos .mark{fill:#9ca3af}.oos .head{fill:#9ca3af}.oos .head.taken{fill:#f9fafb}\
         .oos .line{stroke:#9ca3af}.oos .line.taken{stroke:#f9fafb}",
    );
    for c in PALETTE {
        let name = class(c.status);
        css.push_str(&format!(
            ".oos .{name}>.box{{fill:{};stroke:{}}}.oos .{name}>text{{fill:{}}}",
            c.fill, c.stroke, c.text
        ));
        dark.push_str(&format!(
            ".oos .{name}>.box{{fill:{};stroke:{}}}.oos .{name}>text{{fill:{}}}",
            c.dark_fill, c.dark_stroke, c.dark_text
        ));
    }
    format!("{css}@media (prefers-color-scheme:dark){{{dark}}}")
}

/// A chart with its places, and those of the charts inside.
struct Drawn {
    laid: Layout,
    sizes: Vec<Size>,
    inner: Vec<Option<Drawn>>,
}

/// Where an edge leaves its node, and how many edges away from the middle.
struct Port {
    place: Place,
    side: f64,
}

impl Drawn {
    fn new(flow: &Flow) -> Self {
        let inner: Vec<_> = flow.nodes.iter().map(|node| node.inner.as_ref().map(Self::new)).collect();
        let point = Size { width: 2.0 * DOT, height: 2.0 * DOT };
        let mut sizes = vec![point];
        sizes.extend(flow.nodes.iter().zip(&inner).map(|(node, inner)| size(node, inner.as_ref())));
        if flow.has_end() {
            sizes.push(point);
        }
        let arcs: Vec<_> = flow.edges.iter().map(|edge| flow.arc(edge)).collect();
        Self { laid: layout(&sizes, &arcs), sizes, inner }
    }

    fn write(&self, out: &mut String, flow: &Flow, at: Place) {
        put(out, format_args!("<g transform=\"translate({:.1},{:.1})\">", at.x, at.y));
        for (i, edge) in flow.edges.iter().enumerate() {
            self.write_edge(out, flow, i, edge);
        }
        for (i, edge) in flow.edges.iter().enumerate() {
            self.write_label(out, flow, i, edge);
        }
        for (i, place) in self.laid.places.iter().enumerate() {
            let node = i.checked_sub(1).and_then(|n| Some((flow.nodes.get(n)?, self.inner.get(n)?.as_ref())));
            match node {
                Some((node, inner)) => {
                    write_node(out, node, inner, *place, self.sizes.get(i).copied().unwrap_or_default())
                }
                None => write_point(out, *place, i > 0),
            }
        }
        put(out, format_args!("</g>"));
    }

    fn write_edge(&self, out: &mut String, flow: &Flow, i: usize, edge: &Line) {
        let Some(path) = self.path(flow, i, edge) else { return };
        let style = match edge.style {
            Style::Plain => "",
            Style::Error => " error",
            Style::Skip => " skip",
        };
        let (taken, marker) = if edge.taken { (" taken", "oos-arrow-taken") } else { ("", "oos-arrow") };
        put(out, format_args!("<path class=\"line{style}{taken}\" marker-end=\"url(#{marker})\" d=\"{path}\"/>"));
    }

    /// The label of an edge, beside where it leaves; those of further edges on the same side stand lower.
    fn write_label(&self, out: &mut String, flow: &Flow, i: usize, edge: &Line) {
        let Some(Port { place, side }) = self.port(flow, i, edge).filter(|_| !edge.label.is_empty()) else { return };
        let slopes = flow.node(edge.from).is_some_and(|n| n.shape == Shape::Choice);
        // Left of the middle a rhombus fills the room inside.
        let (class, x) = if slopes && side < 0.0 { ("label left", place.x - 5.0) } else { ("label", place.x + 5.0) };
        let lower = if slopes { 0.0 } else { (side.abs() - 1.0).clamp(0.0, 2.0) };
        let y = place.y + 13.0 + lower * LABEL;
        put(out, format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(&edge.label)));
    }

    /// The way of an edge: curves between the ranks, straight lines through them.
    fn path(&self, flow: &Flow, i: usize, edge: &Line) -> Option<String> {
        let (from, to) = (flow.vertex(edge.from), flow.vertex(edge.to));
        let start = self.port(flow, i, edge)?.place;
        let (place, size) = (self.laid.places.get(to)?, self.sizes.get(to)?);
        let mut bends = self.laid.bends.get(i).cloned().unwrap_or_default();
        let mut end = Place { x: place.x, y: place.y - size.height / 2.0 };
        if from > to {
            bends = bends.iter().rev().map(|(top, bottom)| (*bottom, *top)).collect();
            end.y = place.y + size.height / 2.0;
        }
        let mut path = format!("M{:.1},{:.1}", start.x, start.y);
        let mut at = start;
        for (enter, leave) in bends {
            curve(&mut path, at, enter);
            path.push_str(&format!("L{:.1},{:.1}", leave.x, leave.y));
            at = leave;
        }
        curve(&mut path, at, end);
        Some(path)
    }

    /// Where an edge leaves its node: the edges of a node side by side, in the order of where they go.
    fn port(&self, flow: &Flow, i: usize, edge: &Line) -> Option<Port> {
        let from = flow.vertex(edge.from);
        let (place, size) = (self.laid.places.get(from)?, self.sizes.get(from)?);
        if from > flow.vertex(edge.to) {
            return Some(Port { place: Place { x: place.x, y: place.y - size.height / 2.0 }, side: 0.0 });
        }
        let aim = |(n, e): (usize, &Line)| {
            let bend = self.laid.bends.get(n).and_then(|b| b.first()).map(|(enter, _)| enter.x);
            bend.or_else(|| self.laid.places.get(flow.vertex(e.to)).map(|p| p.x)).unwrap_or_default()
        };
        let mut leaving: Vec<_> = flow
            .edges
            .iter()
            .enumerate()
            .filter(|(_, e)| e.from == edge.from && flow.vertex(e.to) >= from)
            .map(|(n, e)| (aim((n, e)), n))
            .collect();
        leaving.sort_by(|a, b| a.0.total_cmp(&b.0));
        let position = leaving.iter().position(|(_, n)| *n == i)?;
        let step = PORT.min(size.width * 0.8 / as_f64(leaving.len()));
        // The one plain line of a node leaves in the middle.
        let mut plain = leaving
            .iter()
            .enumerate()
            .filter(|(_, (_, n))| flow.edges.get(*n).is_some_and(|e| e.style == Style::Plain));
        let middle = match (plain.next(), plain.next()) {
            (Some((only, _)), None) => as_f64(only),
            _ => (as_f64(leaving.len()) - 1.0) / 2.0,
        };
        let half = (size.width / 2.0 - SIDE).max(0.0);
        let side = as_f64(position) - middle;
        let x = (side * step).clamp(-half, half);
        let shape = flow.node(edge.from).map(|n| n.shape);
        let drop = if shape == Some(Shape::Choice) { 1.0 - x.abs() / (size.width / 2.0) } else { 1.0 };
        let place = Place { x: place.x + x, y: place.y + size.height / 2.0 * drop };
        Some(Port { place, side })
    }
}

impl Flow {
    /// Number of a point in the layout: the start, the tasks, the end.
    fn vertex(&self, point: Point) -> usize {
        match point {
            Point::Start => 0,
            Point::Task(i) => i + 1,
            Point::End => self.nodes.len() + 1,
        }
    }

    fn node(&self, point: Point) -> Option<&Node> {
        if let Point::Task(i) = point { self.nodes.get(i) } else { None }
    }

    fn arc(&self, edge: &Line) -> Arc {
        let straight = edge.style == Style::Plain;
        let weight = if straight { PLAIN_WEIGHT } else { 1.0 };
        Arc { from: self.vertex(edge.from), to: self.vertex(edge.to), kind: edge.style as usize, weight, straight }
    }
}

#[expect(clippy::cast_precision_loss, reason = "coordinates of a drawing")]
fn as_f64(n: usize) -> f64 {
    n as f64
}

fn curve(path: &mut String, from: Place, to: Place) {
    if (from.x - to.x).abs() < 0.5 {
        path.push_str(&format!("L{:.1},{:.1}", to.x, to.y));
        return;
    }
    let middle = f64::midpoint(from.y, to.y);
    path.push_str(&format!("C{:.1},{middle:.1} {:.1},{middle:.1} {:.1},{:.1}", from.x, to.x, to.x, to.y));
}

/// Size of a node: its lines, the chart in it, and what its shape needs around them.
fn size(node: &Node, inner: Option<&Drawn>) -> Size {
    let lines = shown(node);
    let column = |i: usize| if i == 0 { NAME_COLUMN } else { SMALL_COLUMN };
    let text = lines.iter().enumerate().map(|(i, line)| as_f64(columns(line)) * column(i)).fold(60.0, f64::max);
    let mut size = Size { width: text + 2.0 * SIDE, height: as_f64(lines.len()) * LINE + 2.0 * PAD };
    match node.shape {
        Shape::Choice => size = Size { width: size.width * 1.35, height: size.height * 1.9 },
        Shape::Control | Shape::Trigger => size.width += 2.0 * SLANT,
        Shape::Child | Shape::Api | Shape::Custom => {}
    }
    if let Some(inner) = inner {
        size.width = size.width.max(inner.laid.size.width + 2.0 * MARGIN);
        size.height += inner.laid.size.height + MARGIN;
    }
    size
}

/// The lines of a node, cut.
fn shown(node: &Node) -> Vec<String> {
    node.lines().iter().map(|line| cut(&clean(line), WIDEST).into_owned()).collect()
}

fn write_node(out: &mut String, node: &Node, inner: Option<&Drawn>, at: Place, size: Size) {
    let class = if node.outcome.is_some() { class(node.status()) } else { class(TaskStatus::Pending) };
    put(out, format_args!("<g class=\"{class}\">"));
    put(out, format_args!("<title>{}</title>", escape(&tooltip(node))));
    out.push_str(&outline(node.shape, at, size, if inner.is_some() { "box group" } else { "box" }));
    out.push('\n');
    let lines = shown(node);
    let head = as_f64(lines.len()) * LINE;
    let top = if inner.is_some() { at.y - size.height / 2.0 + PAD } else { at.y - head / 2.0 };
    for (i, line) in lines.iter().enumerate() {
        let class = if i == 0 { " class=\"name\"" } else { "" };
        let y = top + as_f64(i) * LINE + LINE * 0.74;
        put(out, format_args!("<text{class} x=\"{:.1}\" y=\"{y:.1}\">{}</text>", at.x, escape(line)));
    }
    put(out, format_args!("</g>"));
    if let (Some(inner), Some(flow)) = (inner, &node.inner) {
        inner.write(out, flow, Place { x: at.x - inner.laid.size.width / 2.0, y: top + head + PAD });
    }
}

/// Everything that a node tells, and its failure text.
fn tooltip(node: &Node) -> String {
    let message = node.outcome.as_ref().and_then(|o| o.message.clone());
    let lines: Vec<_> = node.lines().into_iter().chain(message).map(|line| clean(&line).into_owned()).collect();
    lines.join("\n")
}

fn outline(shape: Shape, at: Place, size: Size, class: &str) -> String {
    let (w, h) = (size.width / 2.0, size.height / 2.0);
    let (left, right, top, bottom) = (at.x - w, at.x + w, at.y - h, at.y + h);
    let polygon = |points: &[(f64, f64)]| {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        format!("<polygon class=\"{class}\" points=\"{}\"/>", points.join(" "))
    };
    let rect = |round: f64| {
        let (width, height) = (size.width, size.height);
        format!(
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
        )
    };
    match shape {
        Shape::Api => rect(3.0),
        Shape::Custom => rect(12.0),
        Shape::Trigger => rect(h),
        Shape::Choice => polygon(&[(at.x, top), (right, at.y), (at.x, bottom), (left, at.y)]),
        Shape::Control => polygon(&[
            (left + SLANT, top),
            (right - SLANT, top),
            (right, at.y),
            (right - SLANT, bottom),
            (left + SLANT, bottom),
            (left, at.y),
        ]),
        Shape::Child => {
            let side = |x: f64| format!("M{x:.1},{top:.1}V{bottom:.1}");
            format!("{}<path class=\"{class}\" d=\"{}{}\"/>", rect(3.0), side(left + 6.0), side(right - 6.0))
        }
    }
}

fn write_point(out: &mut String, at: Place, end: bool) {
    let (x, y) = (at.x, at.y);
    if end {
        put(out, format_args!("<circle class=\"line\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{DOT}\"/>"));
    }
    let radius = if end { DOT - 3.0 } else { DOT };
    put(out, format_args!("<circle class=\"mark\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"));
}

/// Text in XML: markup escaped; characters that XML cannot hold are blanks already.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escape("<script>&\"'\u{0}\u{ffff}实"), "&lt;script&gt;&amp;&quot;&#39;  实");
    }
}
