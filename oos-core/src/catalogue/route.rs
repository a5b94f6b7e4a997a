//! Finds the operation that a method and a path call.
//!
//! Templates of CS, FC and MNS give method and URI, and then the API name is only a label (actions 4.2).

use std::sync::Arc;

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

/// The operation for `method` and `uri`; of several patterns that fit, the one with the fewest holes.
pub(crate) fn find(routes: &[Route], method: &str, uri: &str) -> Option<(Arc<str>, Holes)> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let fits = routes.iter().filter(|r| r.method.eq_ignore_ascii_case(method)).filter_map(|route| {
        let (pattern, wanted) = route.path.split_once('?').unwrap_or((&route.path, ""));
        let holes = has_query(query, wanted).then(|| holes(pattern, path))??;
        Some((route, holes, wanted.is_empty()))
    });
    // The first of equals, and a pattern that names a sub-resource before one that does not.
    let best = fits.min_by_key(|(_, holes, plain)| (*plain, holes.len()))?;
    Some((best.0.api.clone(), best.1))
}

/// True when the query has every sub-resource of the pattern.
fn has_query(query: &str, wanted: &str) -> bool {
    let name = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    wanted.split('&').filter(|w| !w.is_empty()).all(|w| query.split('&').any(|q| name(q) == name(w)))
}

/// The values of the holes, when the path fits the pattern.
fn holes(pattern: &str, path: &str) -> Option<Holes> {
    let parts = |s: &str| s.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
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
    fn sub_resources_and_missing_versions_fit() {
        assert_eq!(api("PUT", "?acl").as_deref(), Some("PutAcl"));
        assert_eq!(api("PUT", "/a.txt").as_deref(), Some("PutObject"));
        assert_eq!(api("GET", "/services/x").as_deref(), Some("Service"));
        assert_eq!(
            find(&table(), "GET", "/clusters/c-1").map(|f| f.1),
            Some(vec![("cluster_id".into(), "c-1".into())])
        );
    }
}
