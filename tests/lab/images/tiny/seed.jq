# The seed as sh assignments: one jq for a whole boot, since each start of it costs half a second under emulation.
# Arguments: $meta $user $vendor $network, the files' texts without comment lines.

def json($what): if . == "" then {} else (fromjson? // ({} | .problem = $what)) end;

# mac (or -) name dhcp mtu addresses gateway servers, blank separated; lists by comma, - for none
def interfaces:
  (.network // .) as $n
  | if $n.version == 1 then
      $n.config[]? | select(.type == "physical")
      | { mac: .mac_address, name, mtu,
          dhcp: ([.subnets[]? | select(.type | test("dhcp"))] | length > 0),
          addresses: [.subnets[]? | select(.type == "static") | .address + (if .address | contains("/") then "" else "/24" end)],
          gateway: ([.subnets[]?.gateway // empty] | first), servers: [.subnets[]? | .dns_nameservers[]?] }
    else
      ($n.ethernets // {}) | to_entries[]
      | { mac: .value.match.macaddress, name: .key, mtu: .value.mtu, dhcp: (.value.dhcp4 // false),
          addresses: [.value.addresses[]? | select(test("^[0-9.]+/"))],
          gateway: (.value.gateway4 // ([.value.routes[]? | select(.to == "default" or .to == "0.0.0.0/0") | .via] | first)),
          servers: [.value.nameservers.addresses[]?] }
    end
  | [.mac, .name, .dhcp, .mtu, (.addresses | join(",")), .gateway, (.servers | join(","))]
  | map(if . == null or . == "" then "-" else tostring end) | join(" ");

def lines: [.] | flatten | map(. + "\n") | join("");

($meta | json("meta-data")) as $m
| ($user | if startswith("#!") then "" else . end | json("user-data")) as $u
| ($vendor | json("vendor-data")) as $v
| ($network | json("network-config")) as $n
| ($v + $u) as $c # user-data wins, key by key
| {
    problems: ([$m, $u, $v, $n] | map(.problem // empty) | join(" ")),
    instance: ($m."instance-id" // "iid-none"),
    name: ($c.hostname // $m."local-hostname" // "tiny"),
    interfaces: [$n | interfaces] | lines,
    keys: [ ($m."public-keys" // [] | .[] | if type == "object" then (."openssh-key" // empty) else . end),
            ($c.ssh_authorized_keys // [])[], (($c.users // [])[] | objects | (.ssh_authorized_keys // [])[]) ] | unique | lines,
    runcmd: [ ($c.runcmd // [])[] | if type == "array" then map(tostring) | @sh else . end ] | lines,
    files: [ ($c.write_files // [])[]
             | [ .path, .permissions // "0644",
                 if .encoding == "b64" or .encoding == "base64" then .content else (.content // "" | @base64) end ] | join(" ") ] | lines,
    home_url: ($c.phone_home.url // ""),
    home_post: ($c.phone_home.post // "all" | if type == "array" then join(" ") else . end),
    home_tries: ($c.phone_home.tries // 10)
  }
| to_entries[] | "\(.key)=\(.value | tostring | @sh)"
