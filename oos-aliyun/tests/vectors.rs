//! The shared signing and parameter vectors, step by step: canonical request, text to sign, signature.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use oos_aliyun::{
    encode,
    sign::{self, Headers, RequestSigner, Resource, Signable, acs3, oss_v4},
};
use oos_core::{
    Timestamp, Value,
    catalogue::{self, Catalogue, Form, NormaliseOptions, normalise},
    ports::{api::ApiRequest, credential::Credential},
};
use serde_json::Value as Json;

fn load(name: &str) -> Json {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn vectors(name: &str) -> Vec<Json> {
    load(name)["vectors"].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Json, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_default()
}

fn pairs(object: &Json) -> Vec<(String, String)> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect()
}

/// The members of a map in their flat form.
fn flat(input: &Value) -> Vec<(String, String)> {
    let mut out = Vec::new();
    input.as_map().unwrap().iter().for_each(|(name, value)| catalogue::flatten(name, value, &mut out));
    out
}

fn key(vector: &Json) -> Credential {
    let token = vector["security_token"].as_str().map(Into::into);
    Credential::new(text(vector, "access_key_id"), text(vector, "access_key_secret"), token, None)
}

/// `20231217T032000Z`.
fn signing_time(vector: &Json) -> Timestamp {
    let t = text(vector, "signing_time");
    let (d, c) = (&t[..8], &t[9..15]);
    let iso = format!("{}-{}-{}T{}:{}:{}Z", &d[..4], &d[4..6], &d[6..], &c[..2], &c[2..4], &c[4..]);
    Timestamp::parse(&iso).unwrap()
}

#[test]
fn acs3_canonical_request_text_and_signature() {
    let mut passed = 0;
    for v in vectors("acs3") {
        let id = text(&v, "id");
        let headers: Headers = pairs(&v["signed_headers_input"]).into_iter().collect();
        let query = pairs(&v["query_flat"]);
        let hash = text(&v, "hashed_payload");
        let canonical = acs3::canonical_request(text(&v, "method"), text(&v, "pathname"), &query, &headers, hash);
        assert_eq!(canonical, text(&v, "canonical_request"), "{id}");
        let algorithm = match acs3::Algorithm::parse(text(&v, "algorithm")) {
            Ok(algorithm) => algorithm,
            Err(error) => {
                assert_eq!(error.to_string(), "signature algorithm `ACS3-HMAC-SM3` is not supported");
                continue;
            }
        };
        assert_eq!(algorithm.hash(text(&v, "body_utf8").as_bytes()), hash, "{id}");
        let to_sign = acs3::string_to_sign(algorithm, &canonical);
        assert_eq!(to_sign, text(&v, "string_to_sign"), "{id}");
        let signature = acs3::signature(algorithm, text(&v, "access_key_secret"), &to_sign).unwrap();
        assert_eq!(signature, text(&v, "signature"), "{id}");
        let list = acs3::signed_header_list(&headers);
        let authorization = acs3::authorization(algorithm, text(&v, "access_key_id"), &list, &signature);
        assert_eq!(authorization, text(&v, "authorization"), "{id}");
        passed += 1;
    }
    assert_eq!(passed, if cfg!(feature = "sm3") { 47 } else { 46 });
}

/// The signer itself, which adds the headers, comes to the same signature.
#[test]
fn acs3_signer_adds_the_headers_of_the_vectors() {
    let mut passed = 0;
    for v in vectors("acs3") {
        let Ok(algorithm) = acs3::Algorithm::parse(text(&v, "algorithm")) else { continue };
        let added = ["x-acs-date", "x-acs-signature-nonce", "x-acs-security-token", "x-acs-accesskey-id", "host"];
        let mut given = pairs(&v["signed_headers_input"]);
        given.retain(|(name, _)| !added.contains(&name.as_str()) && name != acs3::CONTENT_HEADER);
        let mut request = Signable {
            method: text(&v, "method").into(),
            host: text(&v, "host").into(),
            path: text(&v, "pathname").into(),
            query: pairs(&v["query_flat"]),
            headers: given.into_iter().collect(),
            body: text(&v, "body_utf8").into(),
            ..Signable::default()
        };
        let now = Timestamp::parse(text(&v, "date")).unwrap();
        acs3::Acs3 { algorithm }.sign(&mut request, &key(&v), now, text(&v, "nonce")).unwrap();
        assert_eq!(request.headers.get("authorization"), v["authorization"].as_str(), "{}", text(&v, "id"));
        passed += 1;
    }
    assert_eq!(passed, if cfg!(feature = "sm3") { 47 } else { 46 });
}

/// The inputs of the signing vectors flatten to their queries.
#[test]
fn acs3_query_inputs_flatten() {
    for v in vectors("acs3") {
        let input = Value::from(v["query_input"].clone());
        let mut flat = flat(&input);
        let mut expected = pairs(&v["query_flat"]);
        flat.sort();
        expected.sort();
        assert_eq!(flat, expected, "{}", text(&v, "id"));
    }
}

/// Where the SDKs disagree we follow the signature page: keys are encoded, an empty path is `/`.
#[test]
fn acs3_divergent_cases_follow_our_decisions() {
    let all = vectors("acs3_divergent");
    let find = |id: &str| all.iter().find(|v| text(v, "id") == id).unwrap().clone();
    let keys = find("key-with-reserved-characters");
    let query = acs3::canonical_query(&pairs(&keys["query_flat"]));
    assert_eq!(query, "%234%23team=a%20b&%E6%A0%87%E7%AD%BE=x&a%20b=1");
    let empty = find("empty-pathname");
    let headers: Headers = pairs(&empty["signed_headers_input"]).into_iter().collect();
    let canonical = acs3::canonical_request("GET", "", &[], &headers, text(&empty, "hashed_payload"));
    assert_eq!(canonical, text(&empty, "python_canonical_request"));
}

/// The recorded requests sign `accept` and `user-agent` too; everything else of them is what we send.
#[test]
fn acs3_wire_requests_have_our_headers() {
    let mut passed = 0;
    for v in vectors("acs3_wire") {
        let wire = &v["wire"];
        let sent = pairs(&wire["headers"]);
        let headers: Headers = sent.iter().cloned().collect();
        let rest = text(wire, "url").split_once("://").unwrap().1;
        let target = rest.split_once('/').map_or("", |(_, t)| t);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decode =
            |s: &str| percent_encoding::percent_decode_str(&s.replace('+', " ")).decode_utf8().unwrap().into_owned();
        let query: Vec<_> =
            query.split('&').filter_map(|p| p.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect();
        let hash = sign::sha256_hex(wire["body"].as_str().unwrap_or_default().as_bytes());
        assert_eq!(headers.get("x-acs-content-sha256"), Some(hash.as_str()), "{}", text(&v, "id"));
        let ours = acs3::canonical_request(text(wire, "method"), &format!("/{path}"), &query, &headers, &hash);
        let theirs: Vec<_> = text(&v, "canonical_request")
            .replace("accept;", "")
            .replace("user-agent;", "")
            .lines()
            .filter(|line| !line.starts_with("accept:") && !line.starts_with("user-agent:"))
            .map(str::to_owned)
            .collect();
        assert_eq!(ours.lines().collect::<Vec<_>>(), theirs, "{}", text(&v, "id"));
        passed += 1;
    }
    assert_eq!(passed, 4);
}

#[cfg(feature = "rpc-v1")]
#[test]
fn rpc_v1_text_and_signature() {
    use oos_aliyun::sign::rpc_v1;
    let mut passed = 0;
    for v in vectors("rpc_v1") {
        let to_sign = rpc_v1::string_to_sign(text(&v, "method"), &pairs(&v["signed_params"]));
        assert_eq!(to_sign, text(&v, "string_to_sign"), "{}", text(&v, "id"));
        let secret = text(&v, "access_key_secret");
        assert_eq!(format!("{secret}&"), text(&v, "hmac_key"));
        assert_eq!(rpc_v1::signature(secret, &to_sign).unwrap(), text(&v, "signature"), "{}", text(&v, "id"));
        passed += 1;
    }
    assert_eq!(passed, 12);
}

fn oss_request(v: &Json) -> Signable {
    let url = text(v, "url");
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
    Signable {
        method: text(v, "method").into(),
        scheme: scheme.into(),
        host: host.into(),
        path: format!("/{}", target.split('?').next().unwrap_or_default()),
        query: pairs(&v["query"]),
        headers: pairs(&v["headers_input"]).into_iter().collect(),
        region: text(v, "region").into(),
        resource: Some(Resource { bucket: text(v, "bucket").into(), key: text(v, "key").into() }),
        ..Signable::default()
    }
}

#[test]
fn oss_v4_canonical_request_text_and_signature() {
    let mut passed = 0;
    for v in vectors("oss_v4") {
        let id = text(&v, "id");
        let mut request = oss_request(&v);
        let additional: Vec<String> =
            v["additional_headers"].as_array().unwrap().iter().map(|h| h.as_str().unwrap().to_owned()).collect();
        let signer = oss_v4::OssV4 { product: text(&v, "product").into(), additional };
        let (credential, now) = (key(&v), signing_time(&v));
        match v["presign_expires"].as_u64() {
            Some(life) => signer.presign(&mut request, &credential, now, life).unwrap(),
            None => signer.sign(&mut request, &credential, now, "").unwrap(),
        }
        let mut query = request.query.clone();
        query.retain(|(name, _)| name != "x-oss-signature");
        let list = oss_v4::additional_header_list(&request.headers, &signer.additional);
        let resource = request.resource.clone().unwrap();
        let canonical = oss_v4::canonical_request(&request.method, &resource, &query, &request.headers, &list);
        assert_eq!(canonical, text(&v, "canonical_request"), "{id}");
        let time = oss_v4::date_time(now);
        let scope = oss_v4::scope(&time, &request.region, &signer.product);
        let to_sign = oss_v4::string_to_sign(&time, &scope, &canonical);
        assert_eq!(to_sign, text(&v, "string_to_sign"), "{id}");
        let signature = oss_v4::signature(credential.expose_secret(), &scope, &to_sign).unwrap();
        assert_eq!(signature, text(&v, "signature"), "{id}");
        assert_eq!(request.headers.get("authorization"), v["headers_after"]["Authorization"].as_str(), "{id}");
        if v["presign_expires"].is_u64() {
            assert_eq!(request.query_string(), text(&v, "url").split_once('?').unwrap().1, "{id}");
        } else {
            assert_eq!(request.headers.get("date"), v["headers_after"]["Date"].as_str(), "{id}");
        }
        passed += 1;
    }
    assert_eq!(passed, 24);
}

#[cfg(feature = "oss-v1")]
#[test]
fn oss_v1_text_and_signature() {
    use oos_aliyun::sign::oss_v1;
    let mut passed = 0;
    for v in vectors("oss_v1") {
        let id = text(&v, "id");
        let mut request = oss_request(&v);
        if v["query"].is_null() {
            let query = text(&v, "url").split_once('?').map_or("", |(_, q)| q);
            request.query = query.split('&').filter(|m| !m.is_empty()).map(|m| (m.to_owned(), String::new())).collect();
        }
        let resource = request.resource.clone().unwrap();
        if let Some(life) = v["presign_expires"].as_i64() {
            oss_v1::OssV1.presign(&mut request, &key(&v), signing_time(&v), life).unwrap();
            assert_eq!(request.query_string(), text(&v, "url").split_once('?').unwrap().1, "{id}");
            let expires = &request.query.iter().find(|(n, _)| n == "Expires").unwrap().1;
            let to_sign = oss_v1::string_to_sign("GET", &request.headers, expires, &resource, &request.query);
            assert_eq!(to_sign, text(&v, "string_to_sign"), "{id}");
        } else {
            let after: Headers = pairs(&v["headers_after"]).into_iter().collect();
            let date = after.get("x-oss-date").or(after.get("date")).unwrap();
            request.headers = after.clone();
            let to_sign = oss_v1::string_to_sign(&request.method, &after, date, &resource, &request.query);
            assert_eq!(to_sign, text(&v, "string_to_sign"), "{id}");
            let signature = oss_v1::signature(text(&v, "access_key_secret"), &to_sign).unwrap();
            let value = oss_v1::authorization(text(&v, "access_key_id"), &signature);
            assert_eq!(after.get("authorization"), Some(value.as_str()), "{id}");
        }
        passed += 1;
    }
    assert_eq!(passed, 8);
}

#[test]
fn params_flatten_as_the_sdks_do_but_for_the_named_differences() {
    let mut passed = 0;
    for v in vectors("params") {
        let id = text(&v, "id");
        let mut input = v["input"].clone();
        let mut expected = pairs(&v["query_typescript"]);
        if id == "scalars" {
            assert!(encode::check_numbers("p", &Value::from(input.clone())).is_err(), "exponents are refused");
            input.as_object_mut().unwrap().shift_remove("exp");
            expected.retain(|(name, _)| name != "exp");
        }
        let input = Value::from(input);
        assert_eq!(encode::check_numbers("p", &input), Ok(()), "{id}");
        let flat = flat(&input);
        assert_eq!(flat, expected, "{id}");
        let strict = text(&v, "form_typescript").replace("!'()", "%21%27%28%29").replace('*', "%2A");
        let strict = strict.strip_suffix("&exp=1e%2B21").unwrap_or(&strict);
        assert_eq!(encode::form_body(&flat), strict, "{id}");
        passed += 1;
    }
    assert_eq!(passed, 10);
}

/// `spaceDelimited` and `pipeDelimited` are used by no operation of the catalogue and are not built.
#[test]
fn params_list_styles() {
    let mut passed = 0;
    for v in load("params")["array_styles"].as_array().unwrap() {
        let (input, name) = (Value::from(v["input"].clone()), text(v, "prefix"));
        match text(v, "style") {
            "simple" => assert_eq!(comma_text(&input), text(v, "output_python")),
            "json" => assert_eq!(catalogue::scalar_text(&input), text(v, "output_python")),
            "repeatList" => {
                let mut flat = Vec::new();
                catalogue::flatten(name, &input, &mut flat);
                assert_eq!(encode::form_body(&flat), text(v, "output_typescript").replace("&&", "&"));
            }
            _ => continue,
        }
        passed += 1;
    }
    assert_eq!(passed, 4);
}

/// The list through some operation that joins with commas.
fn comma_text(list: &Value) -> String {
    let all = Catalogue::embedded();
    let operations = all
        .products()
        .into_iter()
        .flat_map(|p| all.operations(&p).into_iter().filter_map(move |api| all.operation(&p, &api, None)));
    let (operation, name) = operations
        .filter_map(|o| Some((o.clone(), o.parameters.iter().find(|p| p.form == Form::CommaText)?.name.clone())))
        .next()
        .unwrap();
    let parameters = Value::from([(name.clone(), list.clone())].into_iter().collect::<oos_core::Map>());
    let request = ApiRequest::new(operation.product.clone(), operation.api.clone(), parameters);
    let call = normalise(&request, &NormaliseOptions::default());
    call.parameter(&name).unwrap().pairs()[0].1.clone()
}

/// Parameters as templates name them become what the previous SDK generation sent.
#[test]
fn oos_mapping_through_the_normaliser() {
    let mut passed = 0;
    for v in vectors("oos_mapping") {
        let mut request = ApiRequest::new(text(&v, "service"), text(&v, "api"), Value::from(v["parameters"].clone()));
        request.version = v["version"].as_str().map(Into::into);
        let call = normalise(&request, &NormaliseOptions::default());
        let encoded = encode::encode(&call).unwrap();
        let sorted = |mut list: Vec<(String, String)>| {
            list.sort();
            list
        };
        let (mut query, mut form) = (pairs(&v["query"]), pairs(&v["form_body"]));
        form.append(&mut query);
        let mut sent = encoded.query.clone();
        sent.extend(call.pairs(catalogue::Place::FormBody));
        assert_eq!(sorted(sent), sorted(form), "{} {}", text(&v, "service"), text(&v, "api"));
        passed += 1;
    }
    assert_eq!(passed, 15);
}
