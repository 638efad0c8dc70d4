/** A text as a `data:` URL, the shortest of escaped, base64 and base64 of gzip (Butane, “base/util/url.go”; RFC 2397). Pure. */
import { gzipSync } from 'node:zlib';

export type DataUrl = { source: string; compression?: string };

/** With `packed` the text is what a person compressed already. `plain` is how Butane 1.0.0 does it. */
export function dataUrl(text: string, { packed, plain }: { packed: boolean; plain: boolean }): DataUrl {
  const content = Buffer.from(text);
  // Leaves unescaped what RFC 2396 §2.3 calls unreserved, and throws on half a surrogate pair.
  const escaped = `,${encodeURIComponent(text.toWellFormed())}`;
  if (plain) return { source: `data:${escaped}` };
  const encoded = `;base64,${content.toString('base64')}`;
  const short = encoded.length < escaped.length ? encoded : escaped;
  if (packed) return { source: `data:${short}` };
  const zipped = `;base64,${gzipSync(content, { level: 9 }).toString('base64')}`;
  // Said even where it is empty: a configuration that is merged into another would else inherit that one’s.
  return zipped.length + 'gzip'.length < short.length ? { source: `data:${zipped}`, compression: 'gzip' } : { source: `data:${short}`, compression: '' };
}
