//! Kubernetes clusters (CS): operations by method and path, keys in snake case.

use std::sync::Arc;

use oos_core::{
    Map, Value, params,
    ports::{ApiError, ApiRequest},
};

use super::{
    FakeCloud,
    api::{Api, Ctx, done},
    ecs::make::map,
    params::Params,
    store::Kind,
    transition::nothing,
};

const CLUSTER: Kind = "CS::Cluster";
const NODE: Kind = "CS::Node";
const POOL: Kind = "CS::NodePool";
const TASK: Kind = "CS::Task";

const QUERY: &str = "instanceIds pageSize pageNumber state nodepool_id PrivateIpAddress TemporaryDurationMinutes nodes drain_node release_node";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeClusterDetail", cluster, QUERY),
    Api::new("DescribeClusterNodes", nodes, QUERY),
    Api::new("DeleteClusterNodes", delete_nodes, QUERY),
    Api::new("DescribeTaskInfo", task, QUERY),
    Api::new("DescribeClusterNodePoolDetail", pool, QUERY),
    Api::new("ModifyClusterNodePool", modify_pool, QUERY),
    Api::new("DescribeClusterUserKubeconfig", kubeconfig, QUERY),
    Api::new("DescribeClusterV2UserKubeconfig", kubeconfig, QUERY),
    Api::new("DescribeClusterAttachScripts", attach_script, QUERY),
    Api::new("ModifyCluster", modify_cluster, QUERY),
];

fn segments(path: &str) -> Vec<String> {
    let path = path.split('?').next().unwrap_or(path);
    path.split('/').filter(|s| !s.is_empty()).map(|s| s.trim().to_owned()).collect()
}

/// The label of a template may be another one; method and path decide.
pub(crate) fn route(request: &ApiRequest) -> Option<&'static str> {
    let path = segments(request.uri.as_deref()?);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (&*request.method.as_deref().unwrap_or("GET").to_ascii_uppercase(), path.as_slice()) {
        ("GET", ["clusters", _]) => Some("DescribeClusterDetail"),
        ("GET", ["clusters", _, "nodes"]) => Some("DescribeClusterNodes"),
        ("POST", ["clusters", _, "nodes"]) => Some("DeleteClusterNodes"),
        ("GET", ["tasks", _]) => Some("DescribeTaskInfo"),
        ("GET", ["clusters", _, "nodepools", _]) => Some("DescribeClusterNodePoolDetail"),
        ("PUT", ["clusters", _, "nodepools", _]) => Some("ModifyClusterNodePool"),
        ("GET", ["k8s", _, "user_config"]) => Some("DescribeClusterUserKubeconfig"),
        ("GET", ["api", "v2", "k8s", _, "user_config"]) => Some("DescribeClusterV2UserKubeconfig"),
        ("POST", ["clusters", _, "attachscript"]) => Some("DescribeClusterAttachScripts"),
        ("PUT", ["api", "v2", "clusters", _]) => Some("ModifyCluster"),
        _ => None,
    }
}

/// The segment of the path that is no fixed word, counted from its end.
fn from_path(ctx: &Ctx<'_>, at: usize) -> String {
    segments(&ctx.http.path).get(at).cloned().unwrap_or_default()
}

/// The id of the cluster: after `clusters` or `k8s`.
fn cluster_id(ctx: &Ctx<'_>) -> String {
    let path = segments(&ctx.http.path);
    let at = path.iter().position(|s| s == "clusters" || s == "k8s");
    at.and_then(|at| path.get(at + 1)).cloned().unwrap_or_default()
}

fn need_cluster(ctx: &Ctx<'_>) -> Result<String, ApiError> {
    let id = cluster_id(ctx);
    ctx.need(CLUSTER, &id, "ErrorClusterNotFound").map(|_| id)
}

fn cluster(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let id = need_cluster(ctx)?;
    ctx.need(CLUSTER, &id, "ErrorClusterNotFound").map(|r| Value::from(r.view()))
}

fn nodes(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = need_cluster(ctx)?;
    let wanted = p.comma("instanceIds");
    let rows: Vec<Value> = ctx
        .list(NODE)
        .filter(|r| r.str("_cluster") == id && (wanted.is_empty() || wanted.contains(&r.text("instance_id"))))
        .map(|r| Value::from(r.view()))
        .collect();
    let count = i64::try_from(rows.len()).unwrap_or(0);
    Ok(
        params! { "nodes" => rows, "page" => params! { "page_number" => 1, "page_size" => p.int("pageSize")?.unwrap_or(100), "total_count" => count } },
    )
}

fn body(ctx: &Ctx<'_>) -> Map {
    map(&ctx.http.body.parsed_if_json_text())
}

fn start_task(ctx: &mut Ctx<'_>, cluster: &str, then: super::transition::Done) -> Result<Arc<str>, ApiError> {
    let id = ctx.create(TASK, "T-", map(&params! { "cluster_id" => cluster, "task_type" => "cluster" }))?;
    ctx.s.store.get_mut(TASK, &id).into_iter().for_each(|r| r.set("task_id", Arc::clone(&id)));
    ctx.s.transit(TASK, &id, "run", then);
    Ok(id)
}

fn delete_nodes(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = need_cluster(ctx)?;
    let given = Params(body(ctx));
    let names = if given.has("nodes") { given.list("nodes") } else { p.list("nodes") };
    let release = given.bool("release_node") || p.bool("release_node");
    let task = start_task(
        ctx,
        &id,
        Box::new(move |state, ok| {
            let gone: Vec<(Arc<str>, Arc<str>)> = state
                .store
                .all(NODE)
                .filter(|r| ok && names.contains(&r.text("node_name")))
                .map(|r| (Arc::clone(&r.id), r.text("instance_id")))
                .collect();
            for (node, instance) in gone {
                state.store.remove(NODE, &node);
                if release {
                    super::ecs::instance::remove(state, &instance);
                }
            }
        }),
    )?;
    Ok(params! { "task_id" => Arc::clone(&task), "cluster_id" => id, "request_id" => task })
}

fn task(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let id = from_path(ctx, 1);
    ctx.s.described(TASK, &id);
    ctx.need(TASK, &id, "ErrorTaskNotFound").map(|r| Value::from(r.view()))
}

fn pool_view(r: &super::store::Resource) -> Value {
    let mut out = r.view();
    let state = out.remove("state").unwrap_or_default();
    out.insert(
        "status",
        params! { "state" => state, "total_nodes" => r.int("_desired"), "healthy_nodes" => r.int("_desired") },
    );
    Value::from(out)
}

fn pool(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    need_cluster(ctx)?;
    let id = from_path(ctx, 3);
    ctx.s.described(POOL, &id);
    ctx.need(POOL, &id, "ErrorNodePoolNotFound").map(pool_view)
}

fn modify_pool(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    need_cluster(ctx)?;
    let (id, given) = (from_path(ctx, 3), body(ctx));
    let r = ctx.change(POOL, &id, "ErrorNodePoolNotFound")?;
    for (name, value) in given {
        let old = r.data.get(&name).cloned().unwrap_or_default();
        let value = crate::fault::merged(&old, &value);
        r.set(&name, value);
    }
    let size = r.data.get("scaling_group").map(|g| g.at(&["desired_size"]).clone()).unwrap_or_default();
    r.set("_desired", size);
    ctx.s.transit(POOL, &id, "scale", nothing());
    Ok(params! { "nodepool_id" => id, "task_id" => "T-fake" })
}

fn kubeconfig(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let id = need_cluster(ctx)?;
    let expires = ctx.now().plus_seconds(86_400).to_iso();
    Ok(
        params! { "config" => format!("apiVersion: v1\nkind: Config\ncurrent-context: {id}\n"), "expiration" => expires },
    )
}

fn attach_script(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let id = need_cluster(ctx)?;
    Ok(params! { "data" => format!("#!/bin/sh\necho attach to {id}\n") })
}

fn modify_cluster(ctx: &mut Ctx<'_>, _: &Params) -> Result<Value, ApiError> {
    let (id, given) = (need_cluster(ctx)?, body(ctx));
    ctx.change(CLUSTER, &id, "ErrorClusterNotFound")?.data.extend(given);
    done()
}

/// Clusters as a test sees them.
#[derive(Clone, Debug)]
pub struct Clusters {
    cloud: FakeCloud,
}

impl Clusters {
    pub(crate) fn new(cloud: FakeCloud) -> Self {
        Self { cloud }
    }

    /// Makes a cluster with these master instances and one node for each worker instance; gives its id.
    pub fn create<S: AsRef<str>>(&self, cluster_type: &str, masters: &[S], workers: &[S]) -> String {
        let texts = |list: &[S]| list.iter().map(|s| s.as_ref().to_owned()).collect::<Vec<_>>();
        let (masters, workers) = (texts(masters), texts(workers));
        self.cloud.with(|state| {
            let region = state.region.to_string();
            let id = state.ids.next("c-", &region);
            let net = super::ecs::make::network(state, &region, None, None);
            // The masters stand in the eleventh output, which templates read by its index.
            let mut outputs: Vec<Value> = (0..10).map(|n| params! { "OutputKey" => format!("Output{n}"), "OutputValue" => "" }).collect();
            outputs.push(params! { "OutputKey" => "MasterInstanceIDs", "OutputValue" => masters });
            let data = params! {
                "cluster_id" => id.as_str(), "name" => id.as_str(), "cluster_type" => cluster_type, "state" => "running",
                "region_id" => region.as_str(), "vpc_id" => net.vpc, "security_group_id" => net.security_group, "outputs" => outputs,
            };
            state.add(CLUSTER, id.as_str(), &region, map(&data));
            for worker in &workers {
                let node = format!("{id}/{worker}");
                let data = params! {
                    "node_name" => format!("{region}.{worker}"), "instance_id" => worker.as_str(), "state" => "running",
                    "instance_name" => worker.as_str(), "_cluster" => id.as_str(),
                };
                state.add(NODE, node, &region, map(&data));
            }
            id
        })
    }

    /// Makes a node pool of that size in a cluster; gives its id.
    pub fn node_pool(&self, cluster: &str, size: i64) -> String {
        self.cloud.with(|state| {
            let region = state.region.to_string();
            let id = state.ids.next("np-", &region);
            let data = params! {
                "nodepool_info" => params! { "nodepool_id" => id.as_str(), "name" => id.as_str() }, "state" => "active", "_desired" => size,
                "scaling_group" => params! { "desired_size" => size }, "_cluster" => cluster,
            };
            state.add(POOL, id.as_str(), &region, map(&data));
            id
        })
    }

    /// Instances of the nodes of a cluster, ordered.
    pub fn nodes(&self, cluster: &str) -> Vec<String> {
        self.cloud.with(|state| {
            let of = state.store.with(NODE, "_cluster", cluster);
            of.map(|r| r.str("instance_id").to_owned()).collect()
        })
    }
}
