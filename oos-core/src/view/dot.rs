//! A plan in the language of Graphviz.

use std::fmt::Write;

use super::{
    flow::{Flow, Line, Node, Source, Style},
    graphics::colours,
    shape::Shape,
    trace::Trace,
    words::clean,
};
use crate::plan::{Plan, PlanSet};

/// The plan as a Graphviz `digraph`; with a trace also its outcomes.
pub fn dot(plan: &Plan, trace: Option<&Trace>) -> String {
    draw(plan, Source { trace, plans: None })
}

/// The same with a cluster for each child template among `plans`.
pub fn dot_with(plan: &Plan, trace: Option<&Trace>, plans: &PlanSet) -> String {
    draw(plan, Source { trace, plans: Some(plans) })
}

fn draw(plan: &Plan, source: Source<'_>) -> String {
    let flow = source.flow(plan);
    let mut text = String::new();
    let name = flow.title.as_deref().unwrap_or("template");
    line(&mut text, 0, &format!("digraph {} {{", quote(name)));
    line(&mut text, 1, "rankdir=TB");
    line(
        &mut text,
        1,
        "node [fontname=\"sans-serif\", fontsize=11, style=filled, fillcolor=\"#ffffff\", color=\"#6b7280\"]",
    );
    line(&mut text, 1, "edge [fontname=\"sans-serif\", fontsize=9, color=\"#6b7280\"]");
    write_flow(&mut text, &flow, 1);
    line(&mut text, 0, "}");
    text
}

fn line(text: &mut String, depth: usize, words: &str) {
    let written = writeln!(text, "{:width$}{words}", "", width = depth * 2);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn write_flow(text: &mut String, flow: &Flow, depth: usize) {
    line(text, depth, &format!("{} [label=\"\", shape=circle, width=0.2, fillcolor=\"#6b7280\"]", quote(&flow.start)));
    for node in &flow.nodes {
        line(text, depth, &node_line(node));
    }
    if flow.has_end() {
        let shape = "shape=doublecircle, width=0.15, fillcolor=\"#6b7280\"";
        line(text, depth, &format!("{} [label=\"\", {shape}]", quote(&flow.end)));
    }
    for edge in &flow.edges {
        line(text, depth, &edge_line(flow, edge));
    }
    for (node, inner) in flow.nodes.iter().filter_map(|n| Some((n, n.inner.as_ref()?))) {
        line(text, depth, &format!("subgraph {} {{", quote(&format!("cluster_{}", node.id))));
        let title = inner.title.as_ref().unwrap_or(&node.name);
        line(text, depth + 1, &format!("label={}", quote(title)));
        line(text, depth + 1, "color=\"#9ca3af\"");
        write_flow(text, inner, depth + 1);
        line(text, depth, "}");
        line(text, depth, &format!("{} -> {} [style=dotted, dir=none]", quote(&node.id), quote(&inner.start)));
    }
}

fn node_line(node: &Node) -> String {
    let shape = match node.shape {
        Shape::Api => "shape=box",
        Shape::Custom => "shape=box, style=\"filled,rounded\"",
        Shape::Choice => "shape=diamond",
        Shape::Control => "shape=hexagon",
        // Graphviz knows no stadium; an ellipse is its usual stand-in.
        Shape::Trigger => "shape=ellipse",
        Shape::Child => "shape=box, peripheries=2",
    };
    let lines: Vec<_> = node.lines().iter().map(|line| escape(line)).collect();
    let mut attributes = format!("label=\"{}\", {shape}", lines.join("\\n"));
    if let (Some(outcome), Some(colours)) = (&node.outcome, colours(node.status())) {
        attributes.push_str(&format!(
            ", fillcolor=\"{}\", color=\"{}\", fontcolor=\"{}\"",
            colours.fill, colours.stroke, colours.text
        ));
        if let Some(message) = &outcome.message {
            attributes.push_str(&format!(", tooltip={}", quote(message)));
        }
    }
    format!("{} [{attributes}]", quote(&node.id))
}

fn edge_line(flow: &Flow, edge: &Line) -> String {
    let mut attributes = Vec::new();
    if !edge.label.is_empty() {
        attributes.push(format!("label={}", quote(&edge.label)));
    }
    match edge.style {
        Style::Plain => {}
        Style::Error => attributes.push("style=dashed".to_owned()),
        Style::Skip => attributes.push("style=dotted".to_owned()),
    }
    if edge.taken {
        attributes.push("penwidth=2.5".to_owned());
    }
    let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
    format!("{} -> {}{attributes}", quote(flow.id(edge.from)), quote(flow.id(edge.to)))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// Text inside quotes: a backslash would start an escape, a quote would end the text.
fn escape(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_quotes() {
        assert_eq!(quote("a\" ] \\N\n实"), "\"a\\\" ] \\\\N 实\"");
    }
}
