//! Images: made from instances, snapshots or other images; shared and deleted.

use std::sync::Arc;

use oos_core::{Map, Value, params, ports::ApiError};

use super::{
    disk,
    instance::{self, in_state},
    make::map,
    snapshot,
};
use crate::{
    calls::glob,
    cloud::{
        api::{Api, Ctx, done, wrapped},
        error::{error, error_with, missing},
        page::{TEN, page},
        params::Params,
        state::State,
        store::{Key, Resource},
        transition::nothing,
    },
};

pub(crate) const KIND: &str = "ECS::Image";
const UNKNOWN: &str = "InvalidImageId.NotFound";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeImages", describe, ""),
    Api::new("CreateImage", create, ""),
    Api::new("CopyImage", copy, "ImageId!"),
    Api::new("CancelCopyImage", cancel_copy, "ImageId!"),
    Api::new("DeleteImage", delete, "ImageId!"),
    Api::new("ModifyImageSharePermission", share, "ImageId!"),
    Api::new("DescribeImageSharePermission", describe_share, "ImageId!"),
    Api::new("ModifyImageAttribute", modify, "ImageId! ImageName Description ImageFamily Status BootMode LicenseType"),
    Api::new("ExportImage", export, "ImageId! OSSBucket!"),
];

fn view(r: &Resource) -> Value {
    let mut out = r.view();
    let percent = if r.str("Status") == "Available" { "100%" } else { "0%" };
    out.insert("Progress", percent);
    out.insert("IsSelfShared", if r.list("_shared").is_empty() { "" } else { "True" });
    out.insert("Tags", r.tags_view());
    Value::from(out)
}

/// An image of the system, which nobody made. CHOICE: every id that does not begin with `m-` is one.
fn public(id: &str) -> Resource {
    let windows = id.starts_with("win");
    let (os, platform) = if windows { ("windows", "Windows Server 2022") } else { ("linux", "Aliyun") };
    let data = image_data(id, id, &Origin { os, platform, alias: "system", ..Origin::default() });
    Resource::new(id.into(), "".into(), "".into(), data, oos_core::Timestamp::default())
}

/// Where an image comes from.
#[derive(Clone, Copy)]
struct Origin<'a> {
    os: &'a str,
    platform: &'a str,
    architecture: &'a str,
    alias: &'a str,
    size: i64,
}

impl Default for Origin<'_> {
    fn default() -> Self {
        Self { os: "linux", platform: "Aliyun", architecture: "x86_64", alias: "self", size: 40 }
    }
}

fn image_data(id: &str, name: &str, of: &Origin<'_>) -> Map {
    map(&params! {
        "ImageId" => id, "ImageName" => name, "Status" => "Available", "OSType" => of.os, "Platform" => of.platform,
        "OSName" => of.platform, "OSNameEn" => of.platform, "Architecture" => of.architecture, "Size" => of.size,
        "ImageOwnerAlias" => of.alias, "BootMode" => "BIOS", "Usage" => "none", "Description" => "", "ImageFamily" => "",
        "ImageVersion" => "", "IsSupportIoOptimized" => true, "IsSupportCloudinit" => true, "IsPublic" => of.alias == "system",
        "DiskDeviceMappings" => params! { "DiskDeviceMapping" => Value::empty_list() }, "ResourceGroupId" => "",
        "IsCopied" => false, "IsSubscribed" => false, "ProductCode" => "", "CreationTime" => "",
    })
}

/// Makes an image that is Available, for tests.
pub(crate) fn add(state: &mut State, region: &str, id: &str, name: &str, windows: bool) {
    let (os, platform) = if windows { ("windows", "Windows Server 2022") } else { ("linux", "Aliyun") };
    let mut data = image_data(id, name, &Origin { os, platform, ..Origin::default() });
    data.insert("CreationTime", state.now.to_iso());
    state.add(KIND, id, region, data);
}

/// True when a disk made from the image is encrypted.
pub(super) fn is_encrypted(state: &State, id: &str) -> bool {
    state.store.get(KIND, id).is_some_and(|r| r.is_true("_encrypted"))
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let wanted = p.ids("ImageId");
    // An image that is not Available is not listed unless `Status` names its state.
    let statuses = if p.has("Status") { p.comma("Status") } else { vec!["Available".into()] };
    let (name, tags, filters) = (p.str("ImageName"), p.tags("Tag"), snapshot::filters(p));
    let (alias, from) = (p.str("ImageOwnerAlias"), p.str("SnapshotId"));
    let names = ["OSType", "Architecture", "ImageFamily", "Platform"];
    let equal: Vec<_> = names.iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let takes = |r: &Resource| {
        statuses.iter().any(|s| s.eq_ignore_ascii_case(r.str("Status")))
            && name.as_ref().is_none_or(|n| glob(n, r.str("ImageName")))
            && alias.as_deref().is_none_or(|a| r.str("ImageOwnerAlias") == a)
            && from.as_ref().is_none_or(|s| r.list("_snapshots").contains(s))
            && equal.iter().all(|(m, v)| r.text(m).eq_ignore_ascii_case(v))
            && r.has_tags(&tags)
            && snapshot::in_window(r, &filters)
    };
    let public_ids = match &wanted {
        Some(ids) => ids.iter().filter(|id| !id.starts_with("m-") && ctx.find(KIND, id).is_none()).cloned().collect(),
        None => vec![Arc::from("aliyun_3_x64_20G_alibase_20240101.vhd")],
    };
    let mut views: Vec<(Arc<str>, Value)> =
        public_ids.iter().map(|id| public(id)).filter(&takes).map(|r| (Arc::clone(&r.id), view(&r))).collect();
    let ids = ctx.ids(KIND, wanted.as_deref(), takes);
    for id in wanted.iter().flatten() {
        ctx.s.described(KIND, id);
    }
    views.extend(ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| (Arc::clone(&r.id), view(r))));
    let (list, fields) = page(p, views, TEN)?;
    Ok(wrapped("Images", "Image", list.into_iter().map(|(_, v)| v).collect(), fields))
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    if p.str("ImageName").is_some_and(|name| ctx.list(KIND).any(|r| r.str("ImageName") == &*name)) {
        return Err(error("InvalidImageName.Duplicated"));
    }
    let region = Arc::clone(&ctx.region);
    let (snapshots, os) = if let Some(instance) = p.str("InstanceId") {
        in_state(ctx, &instance, &["Running", "Stopped"])?;
        ctx.checked()?;
        let disks: Vec<Arc<str>> = of_instance(ctx.s, &instance);
        let snapshots: Vec<Arc<str>> = disks.iter().map(|d| snapshot::add(ctx.s, &region, d, "")).collect();
        (snapshots, ctx.need(instance::KIND, &instance, instance::UNKNOWN)?.text("OSType"))
    } else {
        let given = from_snapshots(p)?;
        for id in &given {
            if ctx.need(snapshot::KIND, id, snapshot::UNKNOWN)?.str("Status") != "accomplished" {
                return Err(snapshot::not_ready());
            }
        }
        ctx.checked()?;
        (
            given,
            Arc::from(if p.text("Platform").to_ascii_lowercase().starts_with("windows") { "windows" } else { "linux" }),
        )
    };
    let id = ctx.s.ids.next("m-", &region);
    let platform =
        p.str("Platform").unwrap_or_else(|| if &*os == "windows" { "Windows Server 2022" } else { "Aliyun" }.into());
    let architecture = p.str("Architecture").unwrap_or_else(|| "x86_64".into());
    let of = Origin { os: &os, platform: &platform, architecture: &architecture, ..Origin::default() };
    let mut data = image_data(&id, &p.str("ImageName").unwrap_or_else(|| id.as_str().into()), &of);
    data.insert("_snapshots", snapshots.clone());
    data.insert("_encrypted", encrypted(ctx.s, &snapshots));
    data.insert("DiskDeviceMappings", mappings(ctx.s, &snapshots));
    data.insert("CreationTime", ctx.now().to_iso());
    ctx.create_as(KIND, &id, data)?;
    ctx.set_given(KIND, &id, UNKNOWN, p, &["Description", "ImageFamily", "BootMode", "ResourceGroupId"])?;
    ctx.change(KIND, &id, UNKNOWN)?.tags.extend(p.tags("Tag"));
    ctx.s.transit(KIND, &id, "create", nothing());
    Ok(params! { "ImageId" => id })
}

fn of_instance(state: &State, instance: &str) -> Vec<Arc<str>> {
    let mut disks: Vec<_> = state.store.with(disk::KIND, "InstanceId", instance).collect();
    disks.sort_by_key(|r| r.text("Device"));
    disks.iter().map(|r| Arc::clone(&r.id)).collect()
}

fn from_snapshots(p: &Params) -> Result<Vec<Arc<str>>, ApiError> {
    let mut out: Vec<Arc<str>> = p.str("SnapshotId").into_iter().collect();
    out.extend(p.maps("DiskDeviceMapping").iter().filter_map(|m| m.get_folded("SnapshotId")).map(|(_, v)| v.to_text()));
    if out.is_empty() { Err(missing("InstanceId")) } else { Ok(out) }
}

fn encrypted(state: &State, snapshots: &[Arc<str>]) -> bool {
    snapshots.first().and_then(|id| state.store.get(snapshot::KIND, id)).is_some_and(|r| r.is_true("Encrypted"))
}

fn mappings(state: &State, snapshots: &[Arc<str>]) -> Value {
    let list: Vec<Value> = snapshots
        .iter()
        .zip('a'..='z')
        .map(|(id, letter)| {
            let size = state.store.get(snapshot::KIND, id).map_or(40, |r| r.int("SourceDiskSize"));
            params! {
                "SnapshotId" => Arc::clone(id), "Device" => format!("/dev/xvd{letter}"), "Size" => size.to_string(),
                "Type" => if letter == 'a' { "system" } else { "data" }, "Format" => "",
            }
        })
        .collect();
    params! { "DiskDeviceMapping" => list }
}

fn copy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let source = p.need("ImageId")?;
    let from = ctx.need(KIND, &source, UNKNOWN)?.clone();
    if from.str("Status") != "Available" {
        return Err(error_with("IncorrectImageStatus", "The source image is not available."));
    }
    ctx.checked()?;
    let to = p.str("DestinationRegionId").unwrap_or_else(|| Arc::clone(&ctx.region));
    let id = ctx.s.ids.next("m-", &to);
    let snapshots: Vec<Arc<str>> = from.list("_snapshots").iter().map(|s| copy_snapshot(ctx.s, s, &to)).collect();
    let mut data = from.data.clone();
    data.insert("ImageId", id.as_str());
    data.insert("ImageName", p.str("DestinationImageName").unwrap_or_else(|| id.as_str().into()));
    data.insert("Description", p.text("DestinationDescription"));
    data.insert("IsCopied", true);
    data.insert("_copy_of", source);
    data.insert("_encrypted", p.bool("Encrypted") || from.is_true("_encrypted"));
    data.insert("_shared", Value::empty_list());
    data.insert("DiskDeviceMappings", mappings(ctx.s, &snapshots));
    data.insert("_snapshots", snapshots);
    data.insert("CreationTime", ctx.now().to_iso());
    let (account, tags) = (Arc::clone(&ctx.account), p.tags("Tag"));
    let id = ctx.s.add(KIND, id, &to, data);
    if let Some(r) = ctx.s.store.get_mut(KIND, &id) {
        r.account = account;
        r.tags.extend(tags);
    }
    ctx.s.transit(KIND, &id, "copy", nothing());
    Ok(params! { "ImageId" => id })
}

fn copy_snapshot(state: &mut State, id: &str, region: &str) -> Arc<str> {
    let new = state.ids.next("s-", region);
    let mut data = state.store.get(snapshot::KIND, id).map(|r| r.data.clone()).unwrap_or_default();
    data.insert("SnapshotId", new.as_str());
    data.insert("RegionId", region);
    let new = state.add(snapshot::KIND, new, region, data);
    state.transit(snapshot::KIND, &new, "create", nothing());
    new
}

fn cancel_copy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ImageId")?;
    let r = ctx.need(KIND, &id, UNKNOWN)?;
    if r.str("_copy_of").is_empty() || r.str("Status") == "Available" {
        return Err(error_with("IncorrectImageStatus", "The image is not being copied."));
    }
    ctx.s.next_generation(&Key::new(KIND, Arc::clone(&id)));
    ctx.s.store.remove(KIND, &id);
    done()
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ImageId")?;
    // Deleting what does not exist is answered with success.
    let Some(image) = ctx.find(KIND, &id) else { return done() };
    let copying = |r: &Resource| r.str("_copy_of") == &*id && ["Waiting", "Creating"].contains(&r.str("Status"));
    let itself = !image.str("_copy_of").is_empty() && image.str("Status") != "Available";
    if itself || ctx.s.store.all(KIND).any(copying) {
        return Err(error("OperationDenied.ImageCopying"));
    }
    if !image.list("_shared").is_empty() {
        return Err(error("ImageUseShared"));
    }
    if !p.bool("Force") && ctx.list(instance::KIND).any(|r| r.str("ImageId") == &*id) {
        return Err(error("ImageUsingByInstance"));
    }
    ctx.checked()?;
    ctx.s.store.remove(KIND, &id);
    done()
}

fn share(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ImageId")?;
    let (add, remove) = (p.list("AddAccount"), p.list("RemoveAccount"));
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    let mut accounts: Vec<Arc<str>> = r.list("_shared").into_iter().filter(|a| !remove.contains(a)).collect();
    accounts.extend(add.into_iter().filter(|a| !r.list("_shared").contains(a)));
    r.set("_shared", accounts);
    done()
}

fn describe_share(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ImageId")?;
    let accounts = ctx.need(KIND, &id, UNKNOWN)?.list("_shared");
    let (accounts, mut fields) = page(p, accounts, TEN)?;
    let list: Vec<Value> = accounts.into_iter().map(|a| params! { "AliyunId" => a }).collect();
    fields.insert("ImageId", id);
    fields.insert("ShareGroups", params! { "ShareGroup" => Value::empty_list() });
    Ok(wrapped("Accounts", "Account", list, fields))
}

fn modify(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("ImageId")?;
    ctx.set_given(KIND, &id, UNKNOWN, p, &["ImageName", "Description", "BootMode", "ImageFamily"])?;
    done()
}

fn export(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.need(KIND, &p.need("ImageId")?, UNKNOWN)?;
    let region = Arc::clone(&ctx.region);
    Ok(params! { "TaskId" => ctx.s.ids.next("t-", &region) })
}
