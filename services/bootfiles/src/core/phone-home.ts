/** The form that cloud-init's phone_home posts. Pure; everything in it comes from outside and is only evidence. */
export type PhoneHome = { hostname: string | null; hostKeys: string[] };

const keyFields = ['pub_key_rsa', 'pub_key_ecdsa', 'pub_key_ed25519'];

/** Reads `application/x-www-form-urlencoded`. cloud-init writes `N/A` for what the machine does not have. Never throws. */
export function parsePhoneHome(body: string): PhoneHome {
  const form = new URLSearchParams(body);
  const said = (name: string): string | undefined => {
    const value = form.get(name)?.trim();
    return value === undefined || value === '' || value === 'N/A' ? undefined : value;
  };
  const keys = keyFields.map(said).filter((key) => key !== undefined);
  return {
    hostname: (said('fqdn') ?? said('hostname'))?.slice(0, 253) ?? null,
    hostKeys: keys.filter((key) => /^(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+/.test(key) && key.length <= 4096),
  };
}
