//! Finds the operation that a method and a path call.
//!
//! Templates of CS, FC and MNS give method and URI, and then the API name is only a label (actions 4.2).

use std::{cmp::Reverse, sync::Arc};

use serde_json::Value as Json;

/// Method, path pattern and operation.
#[derive(Debug)]
pub(crate) struct Route {
    method: Box<str>,
    path: Box<str>,
    api: Arc<str>,
}

/// Values of the holes of a path: name as in the pattern, text as in the path.
pub(crate) type Holes = Vec<(Arc<str>, String)>;

impl Route {
    pub(crate) fn parse(row: &Json) -> Option<Self> {
        let text = |i: usize| row.get(i).and_then(Json::as_str);
        Some(Self { method: text(0)?.into(), path: text(1)?.into(), api: text(2)?.into() })
    }
}

/// The operation for `method` and `uri`; the first of [`find_all`].
pub(crate) fn find(routes: &[Route], method: &str, uri: &str) -> Option<(Arc<str>, Holes)> {
    find_all(routes, method, uri).into_iter().next()
}

/// The operations for `method` and `uri`: of the patterns that fit, those with the fewest holes and the most members of
/// the query. Object storage has several with one pattern.
pub(crate) fn find_all(routes: &[Route], method: &str, uri: &str) -> Vec<(Arc<str>, Holes)> {
    let (path, query) = split(uri);
    let fits = routes.iter().filter(|r| r.method.eq_ignore_ascii_case(method)).filter_map(|route| {
        let (pattern, wanted) = split(&route.path);
        let holes = has_query(query, wanted).then(|| holes(pattern, path))??;
        let wanted = members(wanted).count();
        // A pattern that names a sub-resource before one that does not.
        Some(((wanted == 0, holes.len(), Reverse(wanted)), route.api.clone(), holes))
    });
    let fits: Vec<_> = fits.collect();
    let Some(best) = fits.iter().map(|(rank, ..)| *rank).min() else { return Vec::new() };
    fits.into_iter().filter(|(rank, ..)| *rank == best).map(|(_, api, holes)| (api, holes)).collect()
}

/// The values of the holes of one pattern, whatever the query.
pub(crate) fn fit(pattern: &str, uri: &str) -> Option<Holes> {
    holes(split(pattern).0, split(uri).0)
}

/// The same where the last hole takes the rest of the path, slashes included: keys of objects.
pub(crate) fn fit_key(pattern: &str, key: &str) -> Option<Holes> {
    let names: Vec<_> = split(pattern).0.trim_start_matches('/').split('/').collect();
    let parts = key.trim_start_matches('/').splitn(names.len(), '/');
    let pairs = names.iter().filter_map(|name| name.strip_prefix('{')?.strip_suffix('}')).zip(parts);
    let found: Holes =
        pairs.filter(|(_, text)| !text.is_empty()).map(|(n, text)| (n.into(), text.to_owned())).collect();
    (found.len() == names.len()).then_some(found)
}

fn split(uri: &str) -> (&str, &str) {
    uri.split_once('?').unwrap_or((uri, ""))
}

fn members(query: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let all = query.split('&').filter(|m| !m.is_empty());
    all.map(|member| member.split_once('=').map_or((member, None), |(n, v)| (n, Some(v))))
}

/// True when the query has every sub-resource of the pattern, with the value that the pattern gives.
fn has_query(query: &str, wanted: &str) -> bool {
    let same = |(name, value): (&str, Option<&str>), of: (&str, Option<&str>)| {
        name == of.0 && value.filter(|v| !v.is_empty()).is_none_or(|v| of.1 == Some(v))
    };
    members(wanted).all(|w| members(query).any(|q| same(w, q)))
}

/// The values of the holes, when the path fits the pattern.
fn holes(pattern: &str, path: &str) -> Option<Holes> {
    let parts = |s: &str| s.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    // Keys of objects hold slashes.
    if pattern == "/{key}" && path.len() > 1 {
        return Some(vec![("key".into(), path.trim_start_matches('/').to_owned())]);
    }
    let (pattern, path) = (parts(pattern), parts(path));
    // FC: the pattern begins with the version, templates leave it out.
    let is_version = pattern.first().is_some_and(|p| p.len() == 10 && p.starts_with("20") && p.contains('-'));
    let skip = usize::from(is_version && path.first() != pattern.first());
    if pattern.len() != path.len() + skip {
        return None;
    }
    let pairs = pattern.iter().skip(skip).zip(&path);
    let mut found = Holes::new();
    for (hole, text) in pairs {
        match hole.strip_prefix('{').and_then(|h| h.strip_suffix('}')) {
            Some(name) if !text.is_empty() => found.push((name.into(), text.clone())),
            None if hole == text => {}
            _ => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vec<Route> {
        let rows = [
            ("GET", "/clusters", "List"),
            ("GET", "/clusters/{cluster_id}", "Detail"),
            ("GET", "/clusters/{cluster_id}/nodes", "Nodes"),
            ("GET", "/clusters/all/nodes", "AllNodes"),
            ("PUT", "/?acl", "PutAcl"),
            ("PUT", "/{key}", "PutObject"),
            ("POST", "/?replication&comp=add", "AddReplication"),
            ("POST", "/?replication&comp=delete", "DeleteReplication"),
            ("POST", "/?replication", "Replication"),
            ("GET", "/2021-04-06/services/{s}", "Service"),
        ];
        rows.map(|(m, p, a)| Route { method: m.into(), path: p.into(), api: a.into() }).into()
    }

    fn api(method: &str, uri: &str) -> Option<String> {
        find(&table(), method, uri).map(|(api, _)| api.to_string())
    }

    #[test]
    fn patterns_fit_by_segments() {
        assert_eq!(api("get", "/clusters").as_deref(), Some("List"));
        assert_eq!(api("GET", "/clusters/c-1").as_deref(), Some("Detail"));
        assert_eq!(api("GET", "/clusters/all/nodes").as_deref(), Some("AllNodes"));
        assert_eq!(api("GET", "/clusters/c-1/nodes?pageSize=1").as_deref(), Some("Nodes"));
        assert_eq!(api("PUT", "/clusters"), Some("PutObject".into()));
        assert_eq!(api("DELETE", "/clusters"), None);
    }

    #[test]
    fn a_key_may_hold_slashes() {
        let key = |pattern: &str, key: &str| fit_key(pattern, key).map(|h| h.into_iter().map(|(_, t)| t).collect());
        assert_eq!(key("/{key}?acl", "/a/b.txt"), Some(vec!["a/b.txt".to_owned()]));
        assert_eq!(key("/{channel}/{playlist}?vod", "/c/p"), Some(vec!["c".to_owned(), "p".to_owned()]));
        assert_eq!(key("/{channel}/{playlist}?vod", "/c"), None);
        assert_eq!(key("/?acl", "/"), None);
    }

    #[test]
    fn sub_resources_and_missing_versions_fit() {
        assert_eq!(api("PUT", "?acl").as_deref(), Some("PutAcl"));
        assert_eq!(api("PUT", "/a.txt").as_deref(), Some("PutObject"));
        assert_eq!(api("PUT", "/a/b/c.txt").as_deref(), Some("PutObject"));
        assert_eq!(api("POST", "?replication&comp=delete").as_deref(), Some("DeleteReplication"));
        assert_eq!(api("POST", "?replication").as_deref(), Some("Replication"));
        assert_eq!(api("GET", "/services/x").as_deref(), Some("Service"));
        assert_eq!(
            find(&table(), "GET", "/clusters/c-1").map(|f| f.1),
            Some(vec![("cluster_id".into(), "c-1".into())])
        );
    }
}
