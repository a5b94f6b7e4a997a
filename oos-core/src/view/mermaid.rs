//! A plan as a Mermaid flow chart.

use std::fmt::Write;

use super::{
    flow::{Flow, Line, Node, Source, Style},
    graphics::{PALETTE, class},
    shape::Shape,
    trace::Trace,
    words::clean,
};
use crate::plan::{Plan, PlanSet};

/// The plan as a Mermaid `flowchart TD`; with a trace, status, duration and loop counts stand in the nodes and the ways
/// that were taken are thick.
pub fn mermaid(plan: &Plan, trace: Option<&Trace>) -> String {
    draw(plan, Source { trace, plans: None })
}

/// The same with a subgraph for each child template among `plans`.
pub fn mermaid_with(plan: &Plan, trace: Option<&Trace>, plans: &PlanSet) -> String {
    draw(plan, Source { trace, plans: Some(plans) })
}

fn draw(plan: &Plan, source: Source<'_>) -> String {
    let flow = source.flow(plan);
    let mut chart = Chart::default();
    chart.line(0, "flowchart TD");
    chart.flow(&flow, 1);
    chart.finish(&flow);
    chart.text
}

#[derive(Default)]
struct Chart {
    text: String,
    /// Lines drawn so far: Mermaid styles them by number.
    links: usize,
    taken: Vec<String>,
}

impl Chart {
    fn line(&mut self, depth: usize, text: &str) {
        let written = writeln!(self.text, "{:width$}{text}", "", width = depth * 2);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }

    fn flow(&mut self, flow: &Flow, depth: usize) {
        self.line(depth, &format!("{}(( ))", flow.start));
        for node in &flow.nodes {
            self.line(depth, &format!("{}{}", node.id, shape(node)));
        }
        if flow.has_end() {
            self.line(depth, &format!("{}((( )))", flow.end));
        }
        for edge in &flow.edges {
            self.edge(flow, edge, depth);
        }
        for (node, inner) in flow.nodes.iter().filter_map(|n| Some((n, n.inner.as_ref()?))) {
            let title = inner.title.as_ref().unwrap_or(&node.name);
            self.line(depth, &format!("subgraph {}__tasks[\"{}\"]", node.id, escape(title)));
            self.flow(inner, depth + 1);
            self.line(depth, "end");
            self.line(depth, &format!("{} -.- {}", node.id, inner.start));
            self.links += 1;
        }
    }

    fn edge(&mut self, flow: &Flow, edge: &Line, depth: usize) {
        let arrow = if edge.style == Style::Plain { "-->" } else { "-.->" };
        let label = if edge.label.is_empty() { String::new() } else { format!("|\"{}\"|", escape(&edge.label)) };
        self.line(depth, &format!("{} {arrow}{label} {}", flow.id(edge.from), flow.id(edge.to)));
        if edge.taken {
            self.taken.push(self.links.to_string());
        }
        self.links += 1;
    }

    /// Classes, which Mermaid wants once for the whole chart.
    fn finish(&mut self, flow: &Flow) {
        if !self.taken.is_empty() {
            let taken = self.taken.join(",");
            self.line(1, &format!("linkStyle {taken} stroke-width:3px"));
        }
        let flows = flow.all();
        for colours in PALETTE {
            let ids: Vec<_> = flows
                .iter()
                .flat_map(|f| &f.nodes)
                .filter(|n| n.outcome.is_some() && n.status() == colours.status)
                .map(|n| n.id.as_str())
                .collect();
            if !ids.is_empty() {
                let name = class(colours.status);
                let style = format!("fill:{},stroke:{},color:{}", colours.fill, colours.stroke, colours.text);
                self.line(1, &format!("classDef {name} {style}"));
                self.line(1, &format!("class {} {name}", ids.join(",")));
            }
        }
    }
}

fn shape(node: &Node) -> String {
    let lines: Vec<_> = node.lines().iter().map(|line| escape(line)).collect();
    let label = lines.join("<br/>");
    let (open, close) = match node.shape {
        Shape::Api => ("[", "]"),
        Shape::Custom => ("(", ")"),
        Shape::Choice => ("{", "}"),
        Shape::Control => ("{{", "}}"),
        Shape::Trigger => ("([", "])"),
        Shape::Child => ("[[", "]]"),
    };
    format!("{open}\"{label}\"{close}")
}

/// Text inside a quoted label, where Mermaid reads `#…;` as a character, then HTML, Markdown and formulas; `%` begins
/// comments and directives.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '#' | '`' | '\\' | '*' | '%' | '$' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_label() {
        let escaped = escape("a\"]; b --> c\n<script>`x`#quot;");
        assert!(!escaped.contains(['"', '<', '\n', '`']), "{escaped}");
        assert_eq!(escape("重启实例 1"), "重启实例 1");
    }
}
