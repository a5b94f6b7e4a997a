//! Terms and what may follow them: paths, calls, conditions, loops.

use jaq_core::{
    load::parse::{BinaryOp, Pattern, Term},
    path::{Opt, Part, Path},
};

use super::{
    KEYWORDS, Parsed, Parser,
    node::{Node, above},
    scope::DEPTH,
};
use crate::{selector::jq::library, value::Value};

/// Filters of the library that give exactly one result, by far the most used of them.
const SINGLE: [&str; 21] = [
    "length",
    "not",
    "tostring",
    "tonumber",
    "tojson",
    "type",
    "keys",
    "add",
    "sort",
    "unique",
    "reverse",
    "min",
    "max",
    "floor",
    "any",
    "all",
    "ascii_downcase",
    "ascii_upcase",
    "flatten",
    "first",
    "last",
];

type PathPart<'s> = (Part<Term<&'s str>>, Opt);

impl<'s> Parser<'s> {
    /// A term with the paths after it.
    pub(super) fn postfix(&mut self) -> Parsed<Node<'s>> {
        let mut term = self.primary()?;
        loop {
            let mut parts: Vec<PathPart<'s>> = Vec::new();
            let mut state = Followed { single: true, depth: 0 };
            while let Some(part) = self.path_part(&mut state)? {
                parts.push((part, self.optional()));
            }
            if !parts.is_empty() {
                let single =
                    term.is_single() && state.single && parts.iter().all(|(_, opt)| matches!(opt, Opt::Essential));
                let depth = above([&term]).max(state.depth + 1) + u32::try_from(parts.len()).unwrap_or(u32::MAX) / 8;
                let inner = self.boxed(term)?;
                term = self.node(Term::Path(inner, Path(parts)), single, depth)?;
            } else if self.eat("?") {
                term = self.attempt(term, None)?;
            } else {
                return Ok(term);
            }
        }
    }

    fn optional(&mut self) -> Opt {
        let mut optional = Opt::Essential;
        while !self.starts_with("?//=") && self.eat("?") {
            optional = Opt::Optional;
        }
        optional
    }

    /// `.name`, `."text"`, `[index]`, `.[index]`, `[from:to]` or `[]` after a term.
    fn path_part(&mut self, state: &mut Followed) -> Parsed<Option<Part<Term<&'s str>>>> {
        self.nodes += 1;
        self.skip_blanks();
        let rest = self.rest();
        if rest.starts_with('[') {
            return self.index(state).map(Some);
        }
        let Some(after) = rest.strip_prefix('.').filter(|after| !after.starts_with('.')) else {
            return Ok(None);
        };
        if after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            self.at += 1;
            return self.field().map(Some);
        }
        let dot = self.at;
        self.at += 1;
        self.skip_blanks();
        if self.rest().starts_with('"') {
            let key = self.string(None)?;
            return self.key(key, state).map(Some);
        }
        if self.rest().starts_with('@') {
            let key = self.format()?;
            return self.key(key, state).map(Some);
        }
        if self.rest().starts_with('[') {
            return self.index(state).map(Some);
        }
        self.at = dot;
        Ok(None)
    }

    fn field(&mut self) -> Parsed<Part<Term<&'s str>>> {
        let word = self.word_here().unwrap_or_default();
        self.at += word.len();
        Ok(Part::Index(self.text_term(word)))
    }

    fn key(&mut self, key: Node<'s>, state: &mut Followed) -> Parsed<Part<Term<&'s str>>> {
        state.add(&key);
        Ok(Part::Index(self.term_of(key)?))
    }

    /// What stands in brackets after a term.
    fn index(&mut self, state: &mut Followed) -> Parsed<Part<Term<&'s str>>> {
        self.expect("[")?;
        if self.eat("]") {
            state.single = false;
            return Ok(Part::Range(None, None));
        }
        if self.eat(":") {
            let end = self.pipe()?;
            state.add(&end);
            self.expect("]")?;
            return Ok(Part::Range(None, Some(self.term_of(end)?)));
        }
        let start = self.pipe()?;
        state.add(&start);
        let start = self.term_of(start)?;
        if self.eat("]") {
            return Ok(Part::Index(start));
        }
        self.expect(":")?;
        if self.eat("]") {
            return Ok(Part::Range(Some(start), None));
        }
        let end = self.pipe()?;
        state.add(&end);
        self.expect("]")?;
        Ok(Part::Range(Some(start), Some(self.term_of(end)?)))
    }

    fn primary(&mut self) -> Parsed<Node<'s>> {
        self.skip_blanks();
        let mut chars = self.rest().chars();
        match (chars.next(), chars.next()) {
            (Some('0'..='9'), _) | (Some('.'), Some('0'..='9')) => self.number(),
            (Some('.'), Some('.')) => {
                self.at += 2;
                let term = self.library_call("recurse", Vec::new());
                self.node(term, false, 1)
            }
            (Some('.'), _) => self.dot(),
            (Some('"'), _) => self.string(None),
            (Some('@'), _) => self.format(),
            (Some('$'), _) => self.variable_term().map(|(_, value)| value),
            (Some('('), _) => {
                self.at += 1;
                let inner = self.pipe()?;
                self.expect(")")?;
                Ok(inner)
            }
            (Some('['), _) => {
                self.at += 1;
                if self.eat("]") {
                    return Ok(Node::Constant(Value::empty_list()));
                }
                let list = self.list_items()?;
                self.expect("]")?;
                Ok(list)
            }
            (Some('{'), _) => self.object(),
            (Some('a'..='z' | 'A'..='Z' | '_'), _) => self.named(),
            _ => self.unexpected("a term"),
        }
    }

    /// A path that starts with a dot: identity, or the parts that follow it.
    fn dot(&mut self) -> Parsed<Node<'s>> {
        let after = self.rest().get(1..).unwrap_or_default();
        let field = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if field || after.trim_start().starts_with('"') {
            return Ok(Node::identity());
        }
        if after.trim_start().starts_with('@') {
            return self.mistake_at(self.at + 1, "expected a key or the end, found a format");
        }
        self.at += 1;
        Ok(Node::identity())
    }

    fn named(&mut self) -> Parsed<Node<'s>> {
        match self.word() {
            Some("if") => self.condition(),
            Some("reduce") => self.nested(Self::reduce),
            Some("foreach") => self.nested(Self::foreach),
            Some("break") => self.break_out(),
            Some("import" | "include" | "module") => self.mistake_at(self.at, "modules are not supported"),
            Some(word) if KEYWORDS.contains(&word) => self.unexpected("a term"),
            Some(word) => self.call(word),
            None => self.unexpected("a term"),
        }
    }

    fn call(&mut self, name: &'s str) -> Parsed<Node<'s>> {
        let start = self.at;
        self.at += name.len();
        if self.rest().starts_with("::") {
            return self.mistake_at(start, "modules are not supported");
        }
        let mut args = Vec::new();
        if self.eat("(") {
            loop {
                args.push(self.pipe()?);
                if !self.eat(";") {
                    break;
                }
            }
            self.expect(")")?;
        }
        let known = self.scope.find(name, args.len());
        if known.is_none() && (name.starts_with("oos__") || !library::has(name, args.len())) {
            let hint = library::hint(name);
            return self.mistake_at(start, format!("`{name}/{}` is not defined{hint}", args.len()));
        }
        let depth = above(&args);
        match (known, name) {
            (None, "null") if args.is_empty() => return Ok(Node::Constant(Value::Null)),
            (None, "true") if args.is_empty() => return Ok(Node::Constant(true.into())),
            (None, "false") if args.is_empty() => return Ok(Node::Constant(false.into())),
            _ => {}
        }
        let single = known.is_none() && args.is_empty() && SINGLE.contains(&name);
        let mut terms = Vec::new();
        for arg in args {
            terms.push(self.term_of(arg)?);
        }
        let Some(filter) = known else {
            let term = self.library_call(name, terms);
            return self.node(term, single, depth);
        };
        if filter.takes_filters {
            let deeper = self.library_call("oos__deeper", vec![Term::Var(DEPTH)]);
            terms.push(deeper);
        }
        self.node(Term::Call(name, terms), false, depth)
    }

    fn condition(&mut self) -> Parsed<Node<'s>> {
        self.expect_word("if")?;
        let mut parts = Vec::new();
        loop {
            parts.push(self.pipe()?);
            self.expect_word("then")?;
            parts.push(self.pipe()?);
            if !self.eat_word("elif") {
                break;
            }
        }
        let otherwise = if self.eat_word("else") { Some(self.pipe()?) } else { None };
        self.expect_word("end")?;
        let single = parts.iter().chain(&otherwise).all(Node::is_single);
        let depth = above(parts.iter().chain(&otherwise)) + u32::try_from(parts.len() / 2).unwrap_or(u32::MAX);
        let otherwise = otherwise.map(|otherwise| self.boxed(otherwise)).transpose()?;
        let mut branches = Vec::new();
        let mut parts = parts.into_iter();
        while let (Some(condition), Some(then)) = (parts.next(), parts.next()) {
            branches.push((self.term_of(condition)?, self.term_of(then)?));
        }
        self.node(Term::IfThenElse(branches, otherwise), single, depth)
    }

    /// `source as pattern (`, with the variables of the pattern.
    fn fold_head(&mut self) -> Parsed<(Node<'s>, Pattern<&'s str>)> {
        let source = self.operators(0)?;
        self.expect_word("as")?;
        let pattern = self.pattern()?;
        self.expect("(")?;
        Ok((source, pattern))
    }

    /// A part of a loop that sees the variables of its pattern.
    fn fold_part(&mut self, pattern: &Pattern<&'s str>) -> Parsed<Node<'s>> {
        self.scoped(|p| {
            p.scope.variables.extend(super::pattern::variables(pattern));
            p.pipe()
        })
    }

    /// An update with several results counts with its last one, one without results gives null.
    fn reduce(&mut self) -> Parsed<Node<'s>> {
        self.expect_word("reduce")?;
        let (source, pattern) = self.fold_head()?;
        let init = self.pipe()?;
        self.expect(";")?;
        let update = self.fold_part(&pattern)?;
        self.expect(")")?;
        let (single, depth) = (init.is_single(), above([&source, &init, &update]) + 1);
        let one = update.is_single();
        let mut update = self.term_of(update)?;
        if !one {
            update = self.library_call("oos__last_or_null", vec![update]);
        }
        let args = vec![self.term_of(init)?, update];
        let source = self.boxed(source)?;
        self.node(Term::Fold("reduce", source, pattern, args), single, depth)
    }

    /// An update with several results emits all of them and goes on with the last: the state is then their list.
    fn foreach(&mut self) -> Parsed<Node<'s>> {
        self.expect_word("foreach")?;
        let (source, pattern) = self.fold_head()?;
        let init = self.pipe()?;
        self.expect(";")?;
        let mut update = self.fold_part(&pattern)?;
        let mut extract = if self.eat(";") { Some(self.fold_part(&pattern)?) } else { None };
        self.expect(")")?;
        let mut init = init;
        if !update.is_single() {
            let last = self.path_on_input(Part::Index(Term::Num("-1")), true)?;
            let next = self.binary(last, BinaryOp::Pipe(None), update, false)?;
            update = self.list_of(next)?;
            let wrapped = self.list_of(Node::identity())?;
            init = self.binary(init, BinaryOp::Pipe(None), wrapped, false)?;
            let each = self.path_on_input(Part::Range(None, None), false)?;
            extract = Some(match extract {
                Some(extract) => self.binary(each, BinaryOp::Pipe(None), extract, false)?,
                None => each,
            });
        }
        let depth = above([&source, &init, &update].into_iter().chain(&extract));
        let mut args = vec![self.term_of(init)?, self.term_of(update)?];
        if let Some(extract) = extract {
            args.push(self.term_of(extract)?);
        }
        let source = self.boxed(source)?;
        self.node(Term::Fold("foreach", source, pattern, args), false, depth)
    }

    fn path_on_input(&mut self, part: Part<Term<&'s str>>, single: bool) -> Parsed<Node<'s>> {
        self.node(Term::Path(Box::new(Term::Id), Path(vec![(part, Opt::Essential)])), single, 2)
    }

    fn list_of(&mut self, content: Node<'s>) -> Parsed<Node<'s>> {
        let depth = above([&content]);
        let term = Term::Arr(Some(self.boxed(content)?));
        self.node(term, true, depth)
    }

    /// `label $name | body`.
    pub(super) fn label(&mut self) -> Parsed<Node<'s>> {
        self.expect_word("label")?;
        if !self.starts_with("$") {
            return self.unexpected("the name of a label");
        }
        let name = self.variable_name()?;
        self.expect("|")?;
        let body = self.scoped(|p| {
            p.scope.labels.push(name);
            p.pipe()
        })?;
        let depth = above([&body]);
        let term = Term::Label(name, self.boxed(body)?);
        self.node(term, false, depth)
    }

    fn break_out(&mut self) -> Parsed<Node<'s>> {
        let start = self.at;
        self.expect_word("break")?;
        if !self.starts_with("$") {
            return self.unexpected("the name of a label");
        }
        let name = self.variable_name()?;
        if !self.scope.labels.contains(&name) {
            return self.mistake_at(start, format!("label `{name}` is not defined"));
        }
        self.node(Term::Break(name), false, 1)
    }
}

/// What the parts of a path say about the whole.
struct Followed {
    single: bool,
    depth: u32,
}

impl Followed {
    fn add(&mut self, node: &Node<'_>) {
        self.single &= node.is_single();
        self.depth = self.depth.max(above([node]));
    }
}
