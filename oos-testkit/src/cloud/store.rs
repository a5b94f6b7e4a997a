//! The state of the fake: resources by kind and id, and a queue of what happens later on virtual time.
//!
//! A resource is a map in the shape of the wire plus a few members of our own, whose names start with `_` and never
//! leave. So one store serves all products; what a product means by it stands in its own file.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    fmt,
    sync::Arc,
};

use indexmap::IndexMap;
use oos_core::{Map, Timestamp, Value};

use super::index::{self, Index, Word};

/// A kind of resource, e.g. `ECS::Instance`.
pub(crate) type Kind = &'static str;

/// A resource's kind and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) id: Arc<str>,
}

impl Key {
    pub(crate) fn new(kind: Kind, id: impl Into<Arc<str>>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// One resource.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) id: Arc<str>,
    /// Empty for kinds without a region.
    pub(crate) region: Arc<str>,
    pub(crate) account: Arc<str>,
    pub(crate) data: Map,
    pub(crate) tags: IndexMap<String, String>,
    pub(crate) created: Timestamp,
    /// Eventual consistency: calls see it from here on.
    pub(crate) visible_from: Timestamp,
    /// Number of the last transition; an older one that comes late does nothing.
    pub(crate) generation: u64,
    /// What the list of its kind shows of it, made when first asked for.
    shown: OnceCell<Value>,
}

impl Resource {
    pub(crate) fn new(id: Arc<str>, region: Arc<str>, account: Arc<str>, data: Map, created: Timestamp) -> Self {
        Self {
            id,
            region,
            account,
            data,
            tags: IndexMap::new(),
            created,
            visible_from: created,
            generation: 0,
            shown: OnceCell::new(),
        }
    }

    pub(crate) fn str(&self, name: &str) -> &str {
        self.data.get(name).and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn text(&self, name: &str) -> Arc<str> {
        self.data.get(name).map_or_else(|| Arc::from(""), Value::to_text)
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.data.get(name).and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok())).unwrap_or(0)
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.data.get(name).is_some_and(|v| v.as_bool().unwrap_or_else(|| v.to_text().eq_ignore_ascii_case("true")))
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.data.insert(name, value);
    }

    /// The texts of a list member.
    pub(crate) fn list(&self, name: &str) -> Vec<Arc<str>> {
        self.data.get(name).and_then(Value::as_list).map_or_else(Vec::new, |l| l.iter().map(Value::to_text).collect())
    }

    /// What `make` shows of it, made once as long as nothing changes: for the one list of the kind that is polled, and
    /// for what depends on nothing but the resource.
    pub(crate) fn shown(&self, make: fn(&Self) -> Value) -> Value {
        self.shown.get_or_init(|| make(self)).clone()
    }

    /// With its tags, as lists show it: `{.., Tags: {Tag: [{TagKey, TagValue}]}}`.
    pub(crate) fn tagged_view(&self) -> Value {
        let mut out = self.view();
        out.insert("Tags", self.tags_view());
        Value::from(out)
    }

    /// The members that are meant for the wire.
    pub(crate) fn view(&self) -> Map {
        self.data.iter().filter(|(k, _)| !k.starts_with('_')).map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// `Tags: {Tag: [{TagKey, TagValue}]}` of answers.
    pub(crate) fn tags_view(&self) -> Value {
        self.tag_list("TagKey", "TagValue")
    }

    /// `{Tag: [..]}` with these member names.
    pub(crate) fn tag_list(&self, key: &str, value: &str) -> Value {
        let list: Value =
            self.tags.iter().map(|(k, v)| oos_core::params! { key => k.as_str(), value => v.as_str() }).collect();
        oos_core::params! { "Tag" => list }
    }

    /// True when the resource has all these tags; an empty value matches any.
    pub(crate) fn has_tags(&self, tags: &[(String, String)]) -> bool {
        tags.iter().all(|(k, v)| self.tags.get(k).is_some_and(|found| v.is_empty() || found == v))
    }
}

/// All resources.
#[derive(Debug, Default)]
pub(crate) struct Store {
    all: BTreeMap<Kind, BTreeMap<Arc<str>, Resource>>,
    /// The kind of each id, to find a resource by its id alone.
    kinds: BTreeMap<Arc<str>, Kind>,
    /// Who has which tag or member, made when first asked for.
    index: RefCell<Index>,
}

/// A copy makes its own index when it is asked.
impl Clone for Store {
    fn clone(&self) -> Self {
        Self { all: self.all.clone(), kinds: self.kinds.clone(), index: RefCell::default() }
    }
}

impl Store {
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Resource> {
        self.all.get(kind)?.get(id)
    }

    pub(crate) fn get_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Resource> {
        let resource = self.all.get_mut(kind)?.get_mut(id)?;
        self.index.get_mut().touched(kind, &resource.id);
        resource.shown.take();
        Some(resource)
    }

    /// The resource of an id, whatever its kind.
    pub(crate) fn by_id(&self, id: &str) -> Option<(Kind, &Resource)> {
        let kind = self.kinds.get(id)?;
        Some((kind, self.get(kind, id)?))
    }

    pub(crate) fn insert(&mut self, kind: Kind, resource: Resource) {
        // A member of a scaling group has the id of its instance; the instance is meant when only the id is known.
        self.kinds.entry(Arc::clone(&resource.id)).or_insert(kind);
        self.index.get_mut().touched(kind, &resource.id);
        self.all.entry(kind).or_default().insert(Arc::clone(&resource.id), resource);
    }

    pub(crate) fn remove(&mut self, kind: Kind, id: &str) -> Option<Resource> {
        if self.kinds.get(id) == Some(&kind) {
            self.kinds.remove(id);
        }
        let resource = self.all.get_mut(kind)?.remove(id)?;
        self.index.get_mut().touched(kind, &resource.id);
        Some(resource)
    }

    /// All of a kind, ordered by id.
    pub(crate) fn all<'s>(&'s self, kind: &str) -> impl Iterator<Item = &'s Resource> + use<'s> {
        self.all.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    /// How many there are of a kind.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.all.get(kind).map_or(0, BTreeMap::len)
    }

    /// Those of a kind whose member is this text, ordered by id.
    pub(crate) fn with(&self, kind: Kind, member: &'static str, text: &str) -> impl Iterator<Item = &Resource> {
        self.ids_by(kind, member, text).into_iter().filter_map(move |id| self.get(kind, &id))
    }

    /// Ids of those of a kind whose member is this text, ordered; quick for the members that stand in the index.
    pub(crate) fn ids_by(&self, kind: Kind, member: &'static str, text: &str) -> Vec<Arc<str>> {
        if index::has(kind, member) {
            return self.ids_with(kind, &Word::Member(member, text.into()));
        }
        // As the index reads them: a list counts for each of its texts.
        let has = |r: &&Resource| match r.data.get(member) {
            Some(Value::List(list)) => list.iter().any(|v| *v.to_text() == *text),
            _ => *r.text(member) == *text,
        };
        self.all(kind).filter(has).map(|r| Arc::clone(&r.id)).collect()
    }

    /// Ids of those of a kind that have a tag, ordered; an empty value stands for any.
    pub(crate) fn tagged(&self, kind: Kind, key: &str, value: &str) -> Vec<Arc<str>> {
        let word = if value.is_empty() { Word::Key(key.into()) } else { Word::Tag(key.into(), value.into()) };
        self.ids_with(kind, &word)
    }

    fn ids_with(&self, kind: Kind, word: &Word) -> Vec<Arc<str>> {
        self.index.borrow_mut().ids(kind, word, self.all.get(kind))
    }

    /// Kinds and all their resources.
    pub(crate) fn everything(&self) -> impl Iterator<Item = (Kind, &Resource)> {
        self.all.iter().flat_map(|(kind, all)| all.values().map(|r| (*kind, r)))
    }
}

/// Something that happens later. Things of one instant happen in the order in which they were put in.
type Later = Box<dyn FnOnce(&mut super::state::State) + Send>;

/// What happens later.
#[derive(Default)]
pub(crate) struct Queue {
    events: BTreeMap<(Timestamp, u64), Later>,
    next: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Timestamp, what: Later) {
        self.next += 1;
        self.events.insert((at, self.next), what);
    }

    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Later)> {
        let first = self.events.first_entry().filter(|e| e.key().0 <= now)?;
        let at = first.key().0;
        Some((at, first.remove()))
    }

    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue({} events)", self.events.len())
    }
}
