# Facts in tab-separated text → the Inventory of contracts (inventory.ts). Empty means unknown.
def trimmed: sub("^\\s+"; "") | sub("\\s+$"; "");
def known($max): (. // "") | trimmed | .[0:$max] | if . == "" then null else . end;
def known: known(256);
def rows: split("\n") | map(select(. != "") | split("\t"));
def pairs: rows | map({ key: .[0], value: .[1] }) | from_entries;
def whole: (. // "") | if test("^[0-9]+$") then tonumber else null end;
def positive: whole | if . == null or . == 0 then null else . end;

def disk: {
  name: .[0], path: .[1], sizeBytes: (.[2] | whole), blockBytes: ((.[3] | positive) // 512), serial: (.[4] | known), wwn: (.[5] | known),
  model: (.[6] | known), rotational: (.[7] == "1"), transport: (.[8] | known(32)), removable: (.[9] == "1")
};
def nic: {
  name: .[0], mac: .[1], link: (.[2] == "1"), speedMbps: (.[3] | positive), driver: (.[4] | known(64)), pciId: (.[5] | known(32)),
  booted: (.[6] == "1")
};
def dimm: { locator: (.[0] | known), sizeBytes: (.[1] | whole), type: (.[2] | known(64)), speedMtps: (.[3] | positive) };

($cpu | rows[0]) as $c | ($modules | rows | map(dimm)) as $m | ($dmi | pairs) as $d | ($bmc | pairs) as $b | {
  firmware: $firmware, secureBoot: $secure, architecture: $architecture,
  cpu: { model: ($c[0] | known), sockets: ($c[1] | tonumber), cores: ($c[2] | tonumber), threads: ($c[3] | tonumber) },
  memory: { totalBytes: (($m | map(.sizeBytes) | add) // ($memory | trimmed | tonumber)), modules: $m },
  disks: ($disks | rows | map(disk)), nics: ($nics | rows | map(nic)),
  dmi: {
    manufacturer: ($d.sys_vendor | known), product: ($d.product_name | known), serial: ($d.product_serial | known),
    uuid: ($d.product_uuid // "" | ascii_downcase | known(64)), boardManufacturer: ($d.board_vendor | known), boardProduct: ($d.board_name | known),
    biosVendor: ($d.bios_vendor | known), biosVersion: ($d.bios_version | known), chassisSerial: ($d.chassis_serial | known)
  },
  bmc: (if ($b | length) == 0 then null else
    { interface: ($b.interface | known(32)), address: ($b.address | known(64)), mac: ($b.mac | known(32)), firmware: ($b.firmware | known(64)) } end)
}
