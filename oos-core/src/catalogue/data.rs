//! Reads the data file (its form is described in `examples/generate_catalogue.rs`).
//!
//! The bytes are compiled in and checked by tests, so a defect reads as "no such operation", never as a panic.

use std::{
    io::Read,
    sync::{Arc, OnceLock},
};

use flate2::read::DeflateDecoder;
use serde_json::{Map as JsonMap, Value as Json};

use super::{
    alias::Target,
    endpoint::EndpointFacts,
    operation::{Form, Kind, Operation, PageNames, Paging, Parameter, Place, Style},
    route::Route,
    shape::Shape,
};

const MAGIC: &[u8] = b"OOSCAT\x01";

/// One product version; its table is inflated on first use.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) id: Arc<str>,
    pub(crate) code: Arc<str>,
    pub(crate) version: Arc<str>,
    block: &'static [u8],
    table: OnceLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    endpoint: Arc<EndpointFacts>,
    routes: Vec<Route>,
    /// Sorted by name without case.
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: Arc<str>,
    json: Box<str>,
    operation: OnceLock<Option<Arc<Operation>>>,
}

/// The products of a data file, sorted by id and version.
pub(crate) fn products(file: &'static [u8]) -> Vec<Product> {
    parse_file(file).unwrap_or_default()
}

fn parse_file(file: &'static [u8]) -> Option<Vec<Product>> {
    let (length, rest) = file.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
    let (directory, blocks) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    inflate(directory).lines().map(|line| product(line, blocks)).collect()
}

fn product(line: &str, blocks: &'static [u8]) -> Option<Product> {
    let row: Json = serde_json::from_str(line).ok()?;
    let text = |key: &str| row.get(key).and_then(Json::as_str).map(Arc::<str>::from);
    let number = |key: &str| row.get(key).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
    let (start, length) = (number("o")?, number("n")?);
    let block = blocks.get(start..start.checked_add(length)?)?;
    Some(Product { id: text("p")?, code: text("k")?, version: text("v")?, block, table: OnceLock::new() })
}

fn inflate(bytes: &[u8]) -> String {
    let mut text = String::new();
    match DeflateDecoder::new(bytes).read_to_string(&mut text) {
        Ok(_) => text,
        Err(_) => String::new(),
    }
}

impl Product {
    /// The operation called `api` in any case.
    pub(crate) fn operation(&self, api: &str) -> Option<Arc<Operation>> {
        let rows = &self.table().rows;
        let at = rows.binary_search_by(|row| folded(&row.name).cmp(folded(api))).ok()?;
        let row = rows.get(at)?;
        row.operation.get_or_init(|| self.parse(row)).clone()
    }

    /// Official names.
    pub(crate) fn names(&self) -> impl Iterator<Item = Arc<str>> {
        self.table().rows.iter().map(|row| row.name.clone())
    }

    /// Methods and paths of the ROA operations.
    pub(crate) fn routes(&self) -> &[Route] {
        &self.table().routes
    }

    /// Endpoint facts.
    pub(crate) fn endpoint(&self) -> Arc<EndpointFacts> {
        Arc::clone(&self.table().endpoint)
    }

    fn table(&self) -> &Table {
        self.table.get_or_init(|| Table::parse(&self.id, &inflate(self.block)))
    }

    fn parse(&self, row: &Row) -> Option<Arc<Operation>> {
        let json: Json = serde_json::from_str(&row.json).ok()?;
        let text = |key: &str| json.get(key).and_then(Json::as_str).map(Arc::<str>::from);
        Some(Arc::new(Operation {
            product: self.id.clone(),
            code: self.code.clone(),
            version: self.version.clone(),
            api: row.name.clone(),
            style: style(text("s").as_deref().unwrap_or("r")),
            method: text("m").unwrap_or_else(|| "POST".into()),
            path: text("u").unwrap_or_else(|| "/".into()),
            parameters: parameters(&json),
            complete: json.get("c").is_some(),
            aliases: aliases(&json),
            client_token: text("t"),
            paging: text("g").map(|g| paging(&g)),
            response: json.get("r").map(Shape::from_short),
        }))
    }
}

/// Bytes in lower case, for comparing names.
fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|b| b.to_ascii_lowercase())
}

impl Table {
    fn parse(product: &str, text: &str) -> Self {
        let mut lines = text.lines();
        let head: Json = lines.next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        let routes = head.get("u").and_then(Json::as_array).into_iter().flatten();
        Self {
            endpoint: Arc::new(EndpointFacts::parse(product, head.get("e").unwrap_or(&Json::Null))),
            routes: routes.filter_map(Route::parse).collect(),
            rows: lines.filter_map(|line| line.split_once('\t')).map(|(name, json)| Row::new(name, json)).collect(),
        }
    }
}

impl Row {
    fn new(name: &str, json: &str) -> Self {
        Self { name: name.into(), json: json.into(), operation: OnceLock::new() }
    }
}

fn style(letter: &str) -> Style {
    match letter {
        "a" => Style::Roa,
        "o" => Style::ObjectStorage,
        "m" => Style::MnsRest,
        "l" => Style::Local,
        _ => Style::Rpc,
    }
}

fn parameters(json: &Json) -> Vec<Parameter> {
    let shapes = json.get("f").and_then(Json::as_object);
    let rows = json.get("p").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    rows.filter_map(|row| parameter(row, shapes)).collect()
}

/// Reads `qfl! Name`: place, form, kind, the mark for required, name.
fn parameter(row: &str, shapes: Option<&JsonMap<String, Json>>) -> Option<Parameter> {
    let (letters, name) = row.split_once(' ')?;
    let mut letters = letters.chars();
    Some(Parameter {
        name: name.into(),
        place: place(letters.next()?),
        form: form(letters.next()?),
        kind: kind(letters.next()?),
        required: letters.next() == Some('!'),
        shape: shapes.and_then(|s| s.get(name)).map(Shape::from_short),
    })
}

fn place(letter: char) -> Place {
    match letter {
        'b' => Place::FormBody,
        'j' => Place::JsonBody,
        'x' => Place::XmlBody,
        'p' => Place::Path,
        'h' => Place::Header,
        'o' => Place::Host,
        _ => Place::Query,
    }
}

fn form(letter: char) -> Form {
    match letter {
        'f' => Form::Flattened,
        'j' => Form::JsonText,
        'c' => Form::CommaText,
        't' => Form::Structured,
        _ => Form::Scalar,
    }
}

fn kind(letter: char) -> Kind {
    match letter {
        's' => Kind::String,
        'i' => Kind::Integer,
        'n' => Kind::Number,
        'b' => Kind::Boolean,
        'l' => Kind::List,
        'm' => Kind::Map,
        _ => Kind::Unknown,
    }
}

fn aliases(json: &Json) -> Vec<(Arc<str>, Target)> {
    let rows = json.get("a").and_then(Json::as_object).into_iter().flatten();
    rows.filter_map(|(name, target)| Some((name.as_str().into(), Target::parse(target.as_str()?)))).collect()
}

/// Reads `token:NextToken/MaxResults|number:PageNumber/PageSize`; `-` stands for no page size.
fn paging(text: &str) -> Paging {
    let mut paging = Paging::default();
    for style in text.split('|') {
        let Some((name, (cursor, size))) = style.split_once(':').and_then(|(n, v)| Some((n, v.split_once('/')?)))
        else {
            continue;
        };
        let names = Some(PageNames { cursor: cursor.into(), size: (size != "-").then(|| size.into()) });
        match name {
            "token" => paging.token = names,
            "number" => paging.number = names,
            _ => paging.marker = names,
        }
    }
    paging
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_decoded() {
        let products = products(include_bytes!("catalogue.bin"));
        assert!(products.iter().all(|p| p.table.get().is_none()));
        let ecs = products.iter().find(|p| &*p.id == "ecs").unwrap();
        assert!(ecs.operation("stopinstance").is_some());
        let inflated = products.iter().filter(|p| p.table.get().is_some()).count();
        let parsed = ecs.table().rows.iter().filter(|r| r.operation.get().is_some()).count();
        assert_eq!((inflated, parsed), (1, 1));
    }

    #[test]
    fn a_defective_file_reads_as_empty() {
        assert!(products(b"").is_empty());
        assert!(products(b"OOSCAT\x01\xff\xff\xff\xff").is_empty());
        assert!(products(b"OOSCAT\x01\x01\x00\x00\x00\x00").is_empty());
    }
}
