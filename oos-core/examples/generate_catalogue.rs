//! Writes the data file of the embedded API catalogue.
//!
//! Usage: `generate_catalogue <folder of the tables> <output file>`. The folder holds `api-catalogue.json`,
//! `vectors/api_facts.json` and `vectors/param_aliases.json`; which file is master for which fact is said in
//! `aliyun-client.md` 2.1. The same input always gives the same bytes.
//!
//! The file: a magic word, the length of the directory, the directory, then one block per product version. Directory and
//! blocks are deflated text with one JSON document per line, so that a reader can inflate one product alone and parse
//! one operation alone. Keys and enums are shortened, since names of fields would be the greatest part of the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    io::Write,
    path::Path,
};

use flate2::{Compression, write::DeflateEncoder};
use serde_json::{Map, Value, json};

/// First bytes of the file; the last one is the version of the format.
const MAGIC: &[u8] = b"OOSCAT\x01";

/// Plain text parameters that hold JSON though the tables do not say so, as do those that end in `Ids`. On the wire it
/// makes no difference; readers get lists and maps.
const JSON_NAMES: [&str; 3] = ["BackendServers", "ClientInfo", "Tags"];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(tables), Some(output)) = (args.next(), args.next()) else {
        return Err("usage: generate_catalogue <folder of the tables> <output file>".into());
    };
    fs::write(output, generate(Path::new(&tables))?)?;
    Ok(())
}

/// The bytes of the data file.
///
/// # Errors
/// When a table cannot be read or does not have the expected form.
pub(crate) fn generate(tables: &Path) -> Result<Vec<u8>> {
    let read = |name: &str| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(tables.join(name))?)?) };
    let sources = Sources {
        catalogue: read("api-catalogue.json")?,
        facts: read("vectors/api_facts.json")?,
        aliases: read("vectors/param_aliases.json")?,
    };
    pack(&sources.products())
}

struct Sources {
    catalogue: Value,
    facts: Value,
    aliases: Value,
}

/// One product version: code, endpoint facts, operations.
#[derive(Default)]
struct Product {
    code: String,
    endpoint: Value,
    operations: BTreeMap<String, Value>,
    routes: BTreeSet<(String, String, String)>,
}

type Key = (String, String);

fn pack(products: &BTreeMap<Key, Product>) -> Result<Vec<u8>> {
    let (mut directory, mut blocks) = (String::new(), Vec::new());
    for ((id, version), product) in products {
        let block = deflate(&product.text())?;
        let row = json!({"p": id, "k": product.code, "v": version, "o": blocks.len(), "n": block.len()});
        directory.push_str(&format!("{row}\n"));
        blocks.extend_from_slice(&block);
    }
    let directory = deflate(&directory)?;
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&u32::try_from(directory.len())?.to_le_bytes());
    file.extend_from_slice(&directory);
    file.extend_from_slice(&blocks);
    Ok(file)
}

fn deflate(text: &str) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    Ok(encoder.finish()?)
}

impl Product {
    fn text(&self) -> String {
        let routes: Vec<_> = self.routes.iter().map(|(method, path, api)| json!([method, path, api])).collect();
        let mut text = format!("{}\n", json!({"e": self.endpoint, "u": routes}));
        let mut names: Vec<_> = self.operations.keys().collect();
        names.sort_by_key(|name| name.to_ascii_lowercase());
        for name in names {
            if let Some(operation) = self.operations.get(name) {
                text.push_str(&format!("{name}\t{operation}\n"));
            }
        }
        text
    }
}

/// The product id of an entry of `api-catalogue.json`: the previous version of FC has its own id.
fn product_id(code: &str, version: &str) -> String {
    if code == "FC" && version == "2021-04-06" { "fc-open".into() } else { code.to_ascii_lowercase() }
}

impl Sources {
    fn products(&self) -> BTreeMap<Key, Product> {
        let mut products = BTreeMap::new();
        for entry in self.entries() {
            self.add_entry(&mut products, entry);
        }
        for lost in list(&self.catalogue, "unresolved") {
            self.add_unresolved(&mut products, lost);
        }
        for (key, table) in members(&self.facts, "products") {
            let (id, version) = split_key(key);
            let product = products.entry((id.clone(), version.clone())).or_insert_with(|| Product {
                code: text(table, "product_id").unwrap_or(&id).to_owned(),
                ..Product::default()
            });
            for (api, facts) in members(table, "apis") {
                if !product.operations.contains_key(api) {
                    self.add_facts(product, (&id, &version), api, facts);
                }
            }
        }
        for ((id, version), product) in &mut products {
            product.endpoint = self.endpoint(id, version);
        }
        products
    }

    /// Entries of the catalogue, one per operation: some stand in it under two spellings of the service.
    fn entries(&self) -> Vec<&Value> {
        let mut seen = BTreeSet::new();
        let lists = ["entries", "oos_api", "engine_entries"];
        let all = lists.into_iter().flat_map(|name| list(&self.catalogue, name));
        all.filter(|e| seen.insert((text(e, "product").map(str::to_ascii_lowercase), text(e, "api")))).collect()
    }

    fn facts_of(&self, id: &str, version: &str, api: &str) -> Value {
        let key = format!("{id}@{version}");
        self.facts.pointer("/products").and_then(|p| p.get(&key)?.get("apis")?.get(api)).cloned().unwrap_or_default()
    }

    fn add_entry(&self, products: &mut BTreeMap<Key, Product>, entry: &Value) {
        let (code, version) = (str_of(entry, "product"), str_of(entry, "version"));
        let (id, api) = (product_id(code, version), str_of(entry, "api"));
        let facts = self.facts_of(&id, version, api);
        let mut op = Op { style: style(&id, str_of(entry, "style")), complete: true, ..Op::default() };
        let methods: Vec<_> = list(entry, "methods").iter().filter_map(Value::as_str).collect();
        let method = text(entry, "sdk_method").or_else(|| methods.iter().find(|m| **m == "POST").copied());
        op.method = method.or(methods.first().copied()).unwrap_or("GET").to_owned();
        op.path = text(entry, "path").unwrap_or("/").to_owned();
        for parameter in list(entry, "parameters") {
            op.add_catalogued(parameter, text(entry, "request_body") == Some("json"));
        }
        if api == "GenerateUrl" {
            op.add("Expires", "qsi", false);
            op.add("Internal", "qss", false);
        }
        op.add_forms(&facts);
        op.add_aliases(entry.get("aliases"), true);
        op.add_aliases(self.aliases_of(&id, version, api), false);
        op.add_rest(&facts);
        op.response = entry.get("response").filter(|r| !r.is_null()).map(short);
        let product = products
            .entry((id, version.to_owned()))
            .or_insert_with(|| Product { code: code.to_owned(), ..Product::default() });
        let alternative = entry.pointer("/data_plane/path").and_then(Value::as_str);
        product.add(api, &op, &methods, alternative);
    }

    fn add_facts(&self, product: &mut Product, (id, version): (&str, &str), api: &str, facts: &Value) {
        let mut op = Op {
            style: style(id, str_of(facts, "style")),
            method: text(facts, "method").unwrap_or("POST").to_owned(),
            path: text(facts, "path").unwrap_or("/").to_owned(),
            ..Op::default()
        };
        op.add_forms(facts);
        op.add_aliases(self.aliases_of(id, version, api), false);
        op.add_rest(facts);
        product.add(api, &op, &[], None);
    }

    /// An operation in no public package: parameters and response paths as templates use them.
    fn add_unresolved(&self, products: &mut BTreeMap<Key, Product>, lost: &Value) {
        let (service, api) = (str_of(lost, "service"), str_of(lost, "api"));
        let id = service.to_ascii_lowercase();
        let known = self.entries().iter().find(|e| text(e, "service") == Some(service)).map(|e| str_of(e, "version"));
        let mut op = Op { style: 'r', complete: true, method: "POST".into(), path: "/".into(), ..Op::default() };
        for (name, _) in lost.pointer("/usage/parameters").and_then(Value::as_object).into_iter().flatten() {
            op.add(name, "qf?", false);
        }
        let reads = lost.pointer("/usage/reads").and_then(Value::as_array).into_iter().flatten();
        let mut response = json!({"RequestId": "s"});
        for path in reads.filter_map(Value::as_str) {
            grow(&mut response, path);
        }
        op.response = Some(response);
        let key = (id, known.unwrap_or_default().to_owned());
        let product = products.entry(key).or_insert_with(|| Product { code: service.to_owned(), ..Product::default() });
        product.add(api, &op, &[], None);
    }

    fn aliases_of(&self, id: &str, version: &str, api: &str) -> Option<&Value> {
        self.aliases.get("products")?.get(format!("{id}@{version}"))?.get("apis")?.get(api)
    }

    /// Endpoint facts: rule and map of `api_facts.json`, the rest of the catalogue.
    fn endpoint(&self, id: &str, version: &str) -> Value {
        let facts = self.facts.pointer("/products").and_then(|p| p.get(format!("{id}@{version}")));
        let entry = self.catalogue.get("endpoints").and_then(|e| e.get(if id == "fc-open" { "fc" } else { id }));
        let versions = entry.and_then(|e| e.get("versions")).and_then(Value::as_array).into_iter().flatten();
        let sdk = versions.into_iter().find(|v| text(v, "version") == Some(version));
        let meta = entry.and_then(|e| e.get("meta"));
        let mut out = Map::new();
        let mut set = |key: &str, value: Option<&Value>| {
            let empty = |v: &Value| v.is_null() || v.as_str() == Some("") || v.as_object().is_some_and(Map::is_empty);
            if let Some(value) = value.filter(|v| !empty(v)) {
                out.insert(key.into(), value.clone());
            }
        };
        set("i", facts.and_then(|f| f.get("product_id")).or(sdk.and_then(|s| s.get("sdk_endpoint_product"))));
        set("r", facts.and_then(|f| f.get("endpoint_rule")).or(sdk.and_then(|s| s.get("sdk_endpoint_rule"))));
        set("h", facts.and_then(|f| f.get("endpoint_map")).or(sdk.and_then(|s| s.get("sdk_endpoint_map"))));
        set("m", meta.and_then(|m| m.get("regional_endpoints")));
        set("v", meta.and_then(|m| m.get("regional_vpc_endpoints")));
        set("g", meta.and_then(|m| m.get("global_endpoint")));
        set("l", meta.and_then(|m| m.get("location_service_code")));
        Value::Object(out)
    }
}

impl Product {
    fn add(&mut self, api: &str, op: &Op, methods: &[&str], alternative: Option<&str>) {
        if op.style != 'r' && op.style != 'l' {
            let all: BTreeSet<_> = methods.iter().copied().chain([op.method.as_str()]).collect();
            for method in all {
                self.routes.insert((method.to_owned(), op.path.clone(), api.to_owned()));
            }
        }
        if let Some(path) = alternative {
            self.routes.insert(("POST".into(), path.to_owned(), api.to_owned()));
        }
        self.operations.insert(api.to_owned(), op.row());
    }
}

#[derive(Default)]
struct Op {
    style: char,
    method: String,
    path: String,
    complete: bool,
    /// Wire name → three letters (place, form, kind) and the mark for required.
    parameters: Vec<(String, String)>,
    shapes: Map<String, Value>,
    aliases: Map<String, Value>,
    token: Option<String>,
    paging: Option<String>,
    response: Option<Value>,
}

impl Op {
    fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(n, _)| n == name)
    }

    fn add(&mut self, name: &str, letters: &str, required: bool) {
        if !self.has(name) {
            let mark = if required { "!" } else { "" };
            self.parameters.push((name.to_owned(), format!("{letters}{mark}")));
        }
    }

    fn add_catalogued(&mut self, parameter: &Value, json_body: bool) {
        let (name, form) = (str_of(parameter, "name"), str_of(parameter, "style"));
        let place = match (str_of(parameter, "in"), form) {
            (_, "xml-body") => 'x',
            ("Body", "json-body") => 'j',
            ("Body", _) if json_body => 'j',
            ("Body", _) => 'b',
            ("Path", _) => 'p',
            ("Header", _) => 'h',
            ("Host", _) => 'o',
            _ => 'q',
        };
        let form = match form {
            _ if place == 'j' || place == 'x' => 't',
            "flattened" => 'f',
            "json-text" | "json-text?" => 'j',
            "comma-text" | "comma-text?" => 'c',
            _ if name.ends_with("Ids") || JSON_NAMES.contains(&name) => 'j',
            _ => 's',
        };
        let kind = match str_of(parameter, "type") {
            "string" => 's',
            "integer" | "long" => 'i',
            "number" => 'n',
            "boolean" => 'b',
            "list" => 'l',
            "object" | "map" => 'm',
            _ => '?',
        };
        let required = parameter.get("required").and_then(Value::as_bool) == Some(true);
        self.add(name, &format!("{place}{form}{kind}"), required);
        let shape = parameter.get("shape").map(short).or_else(|| {
            let fields = parameter.get("fields")?.as_array()?;
            let pairs = fields.iter().map(|f| (str_of(f, "name").to_owned(), letter(str_of(f, "type"))));
            let map = Value::Object(pairs.collect());
            Some(if kind == 'l' { json!([map]) } else { map })
        });
        if let Some(shape) = shape {
            self.shapes.insert(name.to_owned(), shape);
        }
    }

    /// Lists, maps and body parameters of `api_facts.json`.
    fn add_forms(&mut self, facts: &Value) {
        let body: BTreeSet<_> = list(facts, "form_body").iter().filter_map(Value::as_str).collect();
        let forms = [("repeat", "fl"), ("flat_map", "fm"), ("json", "j?"), ("simple", "cl"), ("form_body", "s?")];
        for (key, letters) in forms {
            for name in list(facts, key).iter().filter_map(Value::as_str) {
                let place = if body.contains(name) { 'b' } else { 'q' };
                self.add(name, &format!("{place}{letters}"), false);
            }
        }
    }

    /// Aliases; the stem of a list alias is a list even where the tables do not say so. `letter`: `N` stands for a number.
    fn add_aliases(&mut self, aliases: Option<&Value>, letter: bool) {
        for (name, forms) in aliases.and_then(Value::as_object).into_iter().flatten() {
            let Some(target) = target(forms, letter) else { continue };
            let stem = target.split_once(".#").map(|(stem, _)| stem);
            let place = if target.starts_with("body:") { 'b' } else { 'q' };
            let bare = |s: &str| s.rsplit(':').next().unwrap_or(s).to_owned();
            if let Some(stem) = stem.map(bare) {
                self.add(&stem, &format!("{place}fl"), false);
            } else if forms.is_array() {
                self.add(&bare(&target), &format!("{place}fm"), false);
            }
            self.aliases.insert(name.clone(), Value::String(target));
        }
    }

    fn add_rest(&mut self, facts: &Value) {
        let named = |wanted: &str| self.parameters.iter().find(|(n, _)| n == wanted).map(|(n, _)| n.clone());
        self.token = text(facts, "client_token")
            .map(str::to_owned)
            .or_else(|| ["ClientToken", "clientToken", "client_token"].into_iter().find_map(named));
        self.paging = text(facts, "paging").map(str::to_owned).or_else(|| {
            let pairs = [("token", "NextToken", "MaxResults"), ("number", "PageNumber", "PageSize")];
            let found: Vec<_> = pairs
                .into_iter()
                .filter(|(_, cursor, _)| self.has(cursor))
                .map(|(style, cursor, size)| format!("{style}:{cursor}/{}", if self.has(size) { size } else { "-" }))
                .collect();
            (facts.is_null() && !found.is_empty()).then(|| found.join("|"))
        });
    }

    fn row(&self) -> Value {
        let mut row = Map::new();
        let mut set = |key: &str, value: Value, default: Value| {
            if value != default {
                row.insert(key.to_owned(), value);
            }
        };
        set("s", json!(self.style.to_string()), json!("r"));
        set("m", json!(self.method), json!("POST"));
        set("u", json!(self.path), json!("/"));
        set("c", json!(u8::from(self.complete)), json!(0));
        set("t", json!(self.token), Value::Null);
        set("g", json!(self.paging), Value::Null);
        let parameters: Vec<_> = self.parameters.iter().map(|(name, letters)| format!("{letters} {name}")).collect();
        set("p", json!(parameters), json!([]));
        set("f", Value::Object(self.shapes.clone()), json!({}));
        set("a", Value::Object(self.aliases.clone()), json!({}));
        set("r", json!(self.response), Value::Null);
        Value::Object(row)
    }
}

fn style(id: &str, name: &str) -> char {
    match (id, name) {
        (_, "LOCAL") => 'l',
        (_, "MNS-REST") => 'm',
        ("oss", _) => 'o',
        (_, "ROA") => 'a',
        _ => 'r',
    }
}

/// The short notation of an alias: the part that all forms have in common. `None` for the one that has no path.
fn target(forms: &Value, letter: bool) -> Option<String> {
    if let Some(one) = forms.as_str() {
        return Some(number_marks(one, letter));
    }
    let all: Vec<Vec<String>> = forms
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .filter(|f| !f.starts_with('{'))
        .map(|f| number_marks(f, letter).split('.').map(str::to_owned).collect())
        .collect();
    let first = all.first()?;
    let shortest = all.iter().map(Vec::len).min()?.saturating_sub(1).max(1);
    let common = (0..shortest).take_while(|i| all.iter().all(|f| f.get(*i) == first.get(*i))).count();
    (common > 0).then(|| first.iter().take(common).cloned().collect::<Vec<_>>().join("."))
}

/// `{n}` becomes `#`, as does the segment `N` of the catalogue (elsewhere a member may have that name); the mark of JSON
/// text becomes a final `=`.
fn number_marks(form: &str, letter: bool) -> String {
    let form = form.replace("{n}", "#");
    let (path, json) = form.strip_suffix("=json").map_or((form.as_str(), ""), |path| (path, "="));
    let path: Vec<_> = path.split('.').map(|part| if letter && part == "N" { "#" } else { part }).collect();
    format!("{}{json}", path.join("."))
}

/// The short notation of a shape.
fn short(shape: &Value) -> Value {
    match shape {
        Value::String(name) => letter(name),
        Value::Array(items) => Value::Array(items.iter().map(short).collect()),
        Value::Object(members) => Value::Object(members.iter().map(|(k, v)| (k.clone(), short(v))).collect()),
        _ => json!("?"),
    }
}

fn letter(name: &str) -> Value {
    json!(match name {
        "string" => "s",
        "integer" | "long" => "i",
        "number" => "n",
        "boolean" => "b",
        "binary" => "y",
        "map" => "m",
        "list" => return json!(["?"]),
        _ => "?",
    })
}

/// Adds a response path such as `Data.tasks[].uid` to a shape.
fn grow(shape: &mut Value, path: &str) {
    let mut at = shape;
    let parts: Vec<_> = path.split('.').collect();
    for (i, part) in parts.iter().enumerate() {
        let Some(map) = at.as_object_mut() else { return };
        let last = i + 1 == parts.len();
        let (name, listed) = part.strip_suffix("[]").map_or((*part, false), |name| (name, true));
        let inner = if last { json!("s") } else { json!({}) };
        let member = map.entry(name).or_insert(if listed { json!([inner]) } else { inner });
        let next = if listed { member.get_mut(0) } else { Some(member) };
        let Some(next) = next else { return };
        at = next;
    }
}

fn split_key(key: &str) -> Key {
    let (id, version) = key.split_once('@').unwrap_or((key, ""));
    (id.to_owned(), version.to_owned())
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn str_of<'a>(value: &'a Value, key: &str) -> &'a str {
    text(value, key).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn members<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}
