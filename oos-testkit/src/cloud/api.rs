//! What an operation is to the fake: a line of a table, run in a context.

use std::{collections::BTreeMap, sync::Arc, sync::OnceLock};

use oos_core::{
    Map, Timestamp, Value,
    ports::{ApiError, ApiRequest},
};

use super::{
    error::{error, error_with},
    index,
    params::Params,
    ram::Caller,
    state::State,
    store::{Kind, Resource},
};

/// Carries out a call: checks, changes the state, answers.
pub(crate) type Handler = fn(&mut Ctx<'_>, &Params) -> Result<Value, ApiError>;

/// One operation: official name, handler, and parameters. `X.N` is a list, `X!` must be given. Where the embedded
/// catalogue has the operation, its list of parameters holds and only those that must be given stand here.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) name: &'static str,
    pub(crate) run: Handler,
    parameters: &'static str,
}

impl Api {
    pub(crate) const fn new(name: &'static str, run: Handler, parameters: &'static str) -> Self {
        Self { name, run, parameters }
    }

    /// Names of the parameters that it takes.
    pub(crate) fn takes(&self) -> impl Iterator<Item = &'static str> {
        self.parameters.split_whitespace().map(|p| p.trim_end_matches('!'))
    }

    /// Names of the parameters that must be given, without `.N`.
    pub(crate) fn required(&self) -> impl Iterator<Item = &'static str> {
        self.parameters
            .split_whitespace()
            .filter_map(|p| p.strip_suffix('!'))
            .map(|p| p.strip_suffix(".N").unwrap_or(p))
    }
}

/// A product of the fake: its name in the log, other spellings, its tables.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) tables: &'static [&'static [Api]],
    /// Finds the operation by method and URI where the name that a template gives is only a label.
    pub(crate) route: Option<fn(&ApiRequest) -> Option<&'static str>>,
}

impl Service {
    pub(crate) const fn new(
        name: &'static str,
        aliases: &'static [&'static str],
        tables: &'static [&'static [Api]],
    ) -> Self {
        Self { name, aliases, tables, route: None }
    }

    pub(crate) const fn routed(self, route: fn(&ApiRequest) -> Option<&'static str>) -> Self {
        Self { route: Some(route), ..self }
    }
}

/// What a call has beside its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Http {
    pub(crate) path: Arc<str>,
    pub(crate) body: Value,
    pub(crate) bucket: Option<Arc<str>>,
    pub(crate) headers: Map,
    /// Parameters as given.
    pub(crate) raw: Value,
}

/// The service of a spelling.
pub(crate) fn service(spelling: &str) -> Option<&'static Service> {
    super::SERVICES
        .iter()
        .find(|s| s.name.eq_ignore_ascii_case(spelling) || s.aliases.iter().any(|a| a.eq_ignore_ascii_case(spelling)))
}

/// The operation of a spelling.
pub(crate) fn api(service: &Service, spelling: &str) -> Option<&'static Api> {
    static INDEX: OnceLock<BTreeMap<(&'static str, String), &'static Api>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let all = super::SERVICES.iter().flat_map(|s| s.tables.iter().map(move |t| (s.name, *t)));
        all.flat_map(|(name, table)| table.iter().map(move |api| ((name, api.name.to_ascii_lowercase()), api)))
            .collect()
    });
    index.get(&(service.name, spelling.to_ascii_lowercase())).copied()
}

/// Where a call is carried out.
pub(crate) struct Ctx<'a> {
    pub(crate) s: &'a mut State,
    pub(crate) service: &'static str,
    pub(crate) api: &'static str,
    pub(crate) region: Arc<str>,
    pub(crate) account: Arc<str>,
    pub(crate) dry_run: bool,
    pub(crate) http: Http,
    pub(crate) caller: Caller,
}

impl Ctx<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.s.now
    }

    /// The headers that the template gave.
    pub(crate) fn headers(&self) -> &Map {
        &self.http.headers
    }

    fn sees(&self, r: &Resource) -> bool {
        r.account == self.account && (r.region.is_empty() || r.region == self.region) && r.visible_from <= self.s.now
    }

    /// The resource, when this call can see it: same account, same region, visible by now.
    pub(crate) fn find(&self, kind: Kind, id: &str) -> Option<&Resource> {
        self.s.store.get(kind, id).filter(|r| self.sees(r))
    }

    /// The same, or an error.
    pub(crate) fn need(&self, kind: Kind, id: &str, code: &str) -> Result<&Resource, ApiError> {
        self.find(kind, id).ok_or_else(|| error(code))
    }

    /// The resource for change.
    pub(crate) fn change(&mut self, kind: Kind, id: &str, code: &str) -> Result<&mut Resource, ApiError> {
        self.need(kind, id, code)?;
        self.s.store.get_mut(kind, id).ok_or_else(|| error(code))
    }

    /// All resources of a kind that this call can see, ordered by id.
    pub(crate) fn list(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.s.store.all(kind).filter(|r| self.sees(r))
    }

    /// Those of a kind that this call can see and whose member is this text, ordered by id.
    pub(crate) fn with(&self, kind: Kind, member: &'static str, text: &str) -> impl Iterator<Item = &Resource> {
        self.s.store.with(kind, member, text).filter(|r| self.sees(r))
    }

    /// The ids that a list need look at: those asked for, else those with an indexed member or a tag that it filters
    /// by; `None` for all. What it gives may hold ids that do not pass the filters.
    pub(crate) fn narrowed(
        &self,
        kind: Kind,
        wanted: Option<Vec<Arc<str>>>,
        members: &[(&'static str, Arc<str>)],
        tags: &[(String, String)],
    ) -> Option<Vec<Arc<str>>> {
        let by_member = || {
            let (member, text) = members.iter().find(|(member, _)| index::has(kind, member))?;
            Some(self.s.store.ids_by(kind, member, text))
        };
        let by_tag = || tags.first().map(|(key, value)| self.s.store.tagged(kind, key, value));
        wanted.or_else(by_member).or_else(by_tag)
    }

    /// The ids of those that pass a test; when ids are asked for, only they are looked at, in their order in the store.
    pub(crate) fn ids(
        &self,
        kind: Kind,
        wanted: Option<&[Arc<str>]>,
        keep: impl Fn(&Resource) -> bool,
    ) -> Vec<Arc<str>> {
        let Some(wanted) = wanted else {
            return self.list(kind).filter(|r| keep(r)).map(|r| Arc::clone(&r.id)).collect();
        };
        let mut ids: Vec<_> =
            wanted.iter().filter_map(|id| self.find(kind, id)).filter(|r| keep(r)).map(|r| Arc::clone(&r.id)).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// Makes a resource with a fresh id.
    pub(crate) fn create(&mut self, kind: Kind, prefix: &str, data: Map) -> Result<Arc<str>, ApiError> {
        let region = Arc::clone(&self.region);
        let id = self.s.ids.next(prefix, &region);
        self.create_as(kind, &id, data)
    }

    /// Makes a resource with a given id.
    pub(crate) fn create_as(&mut self, kind: Kind, id: &str, data: Map) -> Result<Arc<str>, ApiError> {
        self.check_quota(kind)?;
        let (region, account) = (Arc::clone(&self.region), Arc::clone(&self.account));
        let delay = self.s.eventual.get(self.service).copied();
        let id = self.s.add(kind, id, &region, data);
        if let Some(resource) = self.s.store.get_mut(kind, &id) {
            resource.account = account;
            resource.visible_from = delay.map_or(resource.created, |d| resource.created + d);
        }
        Ok(id)
    }

    fn check_quota(&self, kind: Kind) -> Result<(), ApiError> {
        match self.s.quotas.get(kind) {
            Some(limit)
                if self.s.store.count(kind) >= *limit
                    && self.s.store.all(kind).filter(|r| r.account == self.account).count() >= *limit =>
            {
                Err(error_with("QuotaExceeded", format!("The quota of {limit} for {kind} is used up.")))
            }
            _ => Ok(()),
        }
    }

    /// Copies the named parameters that are given into a resource.
    pub(crate) fn set_given(
        &mut self,
        kind: Kind,
        id: &str,
        unknown: &str,
        p: &Params,
        names: &[&str],
    ) -> Result<(), ApiError> {
        let resource = self.change(kind, id, unknown)?;
        for name in names.iter().filter(|n| p.has(n)) {
            resource.set(name, p.get(name).clone());
        }
        Ok(())
    }

    /// Ends a dry run; call it when all checks are passed and nothing is changed yet.
    pub(crate) fn checked(&self) -> Result<(), ApiError> {
        if self.dry_run { Err(error("DryRunOperation")) } else { Ok(()) }
    }
}

/// An answer without members of its own.
pub(crate) fn done() -> Result<Value, ApiError> {
    Ok(Value::empty_map())
}

/// A wrapped list, `{outer: {inner: [..]}}`, with the members of the page.
pub(crate) fn wrapped(outer: &str, inner: &str, list: Vec<Value>, mut fields: Map) -> Value {
    fields.insert(outer, oos_core::params! { inner => list });
    Value::from(fields)
}
