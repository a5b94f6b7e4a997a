# Filters of jq that are defined in jq. Names that start with `oos__` are ours and cannot be called by programs.
# A definition may use those above it. Only the definitions that a program needs are compiled.

def not: if . then false else true end;
def select(f): if f then . else empty end;
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type | . == "array" or . == "object");
def scalars: select(type | . != "array" and . != "object");
def isfinite: type == "number" and (isinfinite | not);
def isnormal: type == "number" and (isnan or isinfinite or fabs < 2.2250738585072014e-308 | not);
def finites: select(isfinite);
def normals: select(isnormal);

def map(f): [.[] | f];
def map_values(f): oos__modify(.[]; f);
def recurse(f): def rec: ., (f | rec); rec;
def recurse(f; cond): def rec: ., (f | select(cond) | rec); rec;
def repeat(f): def rec: ., (f | rec); rec;
def while(cond; update): def rec: if cond then ., (update | rec) else empty end; rec;
def until(cond; update): def rec: if cond then . else update | rec end; rec;
def walk(f): def rec: (if type == "object" then map_values(rec) elif type == "array" then map(rec) else . end) | f; rec;

def range($end): oos__range(0; $end; 1);
def range($from; $end): oos__range($from; $end; 1);
def range($from; $end; $by): oos__range($from; $end; $by);

def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def limit($n; f): if $n < 0 then error("limit doesn't support negative count") else oos__limit($n; f) end;
def skip($n; f): if $n < 0 then error("skip doesn't support negative count") else oos__skip($n; f) end;
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else first(oos__skip($n; f)) end;
def isempty(f): first((f | false), true);
def all(f; cond): isempty(first(f | cond | select(. | not)));
def any(f; cond): isempty(first(f | cond | select(.))) | not;
def all(cond): all(.[]; cond);
def any(cond): any(.[]; cond);
def all: all(.[]; .);
def any: any(.[]; .);
def add(f): reduce f as $x (null; . + $x);
def in($container): . as $key | $container | has($key);
def inside($container): . as $part | $container | contains($part);
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $rest | [$x] + $rest end;
def combinations($n): . as $items | [range($n) | $items] | combinations;
def toarray: if type == "array" then . else [.] end;

def to_entries: [keys_unsorted[] as $key | {key: $key, value: .[$key]}];
def with_entries(f): [to_entries[] | f] | from_entries;
def paths: path(recurse) | select(length > 0);
def paths(f): path(recurse | select(f)) | select(length > 0);
def leaf_paths: paths(scalars);
def del(f): delpaths([path(f)]);
def pick(f): . as $all | reduce path(f) as $path (null; setpath($path; $all | getpath($path)));
def tostream: path(def rec: (.[]? | rec), .; rec) as $path
  | getpath($path)
  | if (type | . == "array" or . == "object") and length > 0 then [$path + [keys_unsorted[-1]]] else [$path, .] end;
def fromstream(f): {value: null, done: false} as $start
  | foreach f as $event ($start;
      if .done then $start else . end
      | if $event | length == 2 then setpath(["done"]; $event[0] | length == 0) | setpath(["value"] + $event[0]; $event[1])
        else setpath(["done"]; $event[0] | length == 1) end;
      if .done then .value else empty end);
def truncate_stream(f): . as $depth | null | f | select(.[0] | length > $depth) | setpath([0]; .[0][$depth:]);

def index($x): indices($x) | .[0];
def rindex($x): indices($x) | .[-1];
def min_by(f): oos__min_by(map([f]));
def max_by(f): oos__max_by(map([f]));
def sort_by(f): oos__sort_by(map([f]));
def group_by(f): oos__group_by(map([f]));
def unique_by(f): [oos__group_by(map([f]))[] | .[0]];
def ascii: [.] | implode;
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ") | mktime;
def fromdate: fromdateiso8601;
def date: todate;
def dateadd(unit; $n): . + $n;
def datesub(unit; $n): . - $n;

def INDEX(stream; f): reduce stream as $row ({}; setpath([$row | f | tostring]; $row));
def INDEX(f): INDEX(.[]; f);
def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);
def JOIN($index; f): [.[] | [., $index[f]]];
def JOIN($index; stream; f): stream | [., $index[f]];
def JOIN($index; stream; f; join): stream | [., $index[f]] | join;

def match($re): oos__match($re; null; false) | .[];
def match($re; $flags): oos__match($re; $flags; false) | .[];
def test($re): oos__match($re; null; true);
def test($re; $flags): oos__match($re; $flags; true);
def oos__capture: [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries;
def capture($re): match($re) | oos__capture;
def capture($re; $flags): match($re; $flags) | oos__capture;
def oos__scan: if .captures == [] then .string else [.captures[].string] end;
def scan($re; $flags): match($re; "g" + $flags) | oos__scan;
def scan($re): scan($re; null);
def split($re; $flags): oos__split($re; $flags);
def splits($re; $flags): oos__split($re; $flags) | .[];
def splits($re): splits($re; null);
def sub($re; f): oos__sub($re; ""; f);
def sub($re; f; $flags): oos__sub($re; $flags; f);
def gsub($re; f): oos__sub($re; "g"; f);
def gsub($re; f; $flags): oos__sub($re; $flags + "g"; f);

def @text: tostring;
def @json: tojson;
def @csv: format("csv");
def @tsv: format("tsv");
def @html: format("html");
def @uri: format("uri");
def @urid: format("urid");
def @sh: format("sh");
def @base64: format("base64");
def @base64d: format("base64d");
def @base32: format("base32");
def @base32d: format("base32d");

def logb: if . == 0 then -infinite elif isinfinite then infinite elif isnan then . else ilogb end;
def significand: if . == 0 or isinfinite or isnan then . else scalbln(.; -1 * ilogb) end;
def pow10: exp10;
def gamma: lgamma;
def lgamma_r: [lgamma, if tgamma < 0 then -1 else 1 end];
def drem($a; $b): remainder($a; $b);
def nexttoward($a; $b): nextafter($a; $b);
def scalb($x; $e): $x * pow(2; $e);
def have_literal_numbers: true;
def have_decnum: false;
