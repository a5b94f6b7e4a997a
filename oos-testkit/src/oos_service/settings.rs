//! Settings, regions and resource groups: kept and given back, without an effect of their own.

use std::sync::Arc;

use oos_core::{ExecutionId, Map, Value, params, ports::ApiError};

use super::{OosService, error_with, invalid, lock, not_found};
use crate::cloud::params::Params;

/// The members of the settings: booleans, then texts.
const FLAGS: [&str; 3] = ["DeliveryOssEnabled", "DeliverySlsEnabled", "ServiceAccessRdEnabled"];
const TEXTS: [&str; 4] = ["DeliveryOssBucketName", "DeliveryOssKeyPrefix", "DeliverySlsProjectName", "RdcEnterpriseId"];

/// CHOICE: regions of the answer; the real list changes.
const REGIONS: [(&str, &str, &str); 5] = [
    ("cn-hangzhou", "China (Hangzhou)", "华东 1(杭州)"),
    ("cn-shanghai", "China (Shanghai)", "华东 2(上海)"),
    ("cn-beijing", "China (Beijing)", "华北 2(北京)"),
    ("cn-shenzhen", "China (Shenzhen)", "华南 1(深圳)"),
    ("ap-southeast-1", "Singapore", "新加坡"),
];

/// DescribeRegions.
pub(super) fn regions(p: &Params) -> Value {
    let english = p.str("AcceptLanguage").is_some_and(|language| language.eq_ignore_ascii_case("en-US"));
    let rows = REGIONS.iter().map(|(id, en, zh)| {
        params! {
            "RegionId" => *id, "LocalName" => if english { *en } else { *zh },
            "RegionEndpoint" => format!("oos.{id}.aliyuncs.com"),
        }
    });
    params! { "Regions" => rows.collect::<Value>() }
}

impl OosService {
    pub(super) fn get_settings(&self) -> Value {
        let kept = lock(&self.0.settings);
        let mut out = Map::new();
        for name in FLAGS {
            out.insert(name, kept.get(name).cloned().unwrap_or(Value::from(false)));
        }
        for name in TEXTS {
            out.insert(name, kept.get(name).cloned().unwrap_or(Value::from("")));
        }
        params! { "ServiceSettings" => vec![Value::from(out)] }
    }

    pub(super) fn set_settings(&self, p: &Params) -> Value {
        {
            let mut kept = lock(&self.0.settings);
            for name in FLAGS.into_iter().filter(|name| p.has(name)) {
                kept.insert(name, p.bool(name));
            }
            for name in TEXTS.into_iter().filter(|name| p.has(name)) {
                kept.insert(name, p.text(name));
            }
        }
        self.get_settings()
    }

    /// ChangeResourceGroup of templates and executions.
    pub(super) async fn change_group(&self, p: &Params) -> Result<Value, ApiError> {
        let (kind, id, group) = (p.need("ResourceType")?, p.need("ResourceId")?, p.need("NewResourceGroupId")?);
        match &*kind.to_ascii_lowercase() {
            "template" => self.0.library.with(&id, |shelf| match shelf {
                Some(shelf) => {
                    shelf.group = group;
                    Ok(())
                }
                None => Err(not_found("Template", &id)),
            })?,
            "execution" => {
                let row = self.row(&ExecutionId::new(Arc::clone(&id))).await?;
                self.with_facts(&row, |facts| facts.group = group);
            }
            "parameter" | "secretparameter" => {
                return Err(error_with("InvalidParameter.ResourceType", "Resource groups of parameters are not kept."));
            }
            other => return Err(invalid("ResourceType", format_args!("`{other}` is not served"))),
        }
        Ok(Value::empty_map())
    }
}
