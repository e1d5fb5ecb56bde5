namespace Bulkhead.Images.Recipes;

/// <summary>A script of Bulkhead's own that an image carries.</summary>
/// <param name="Path">Where it stands in the guest, without a leading slash.</param>
/// <param name="Content">Its text.</param>
internal sealed record GuestScript(string Path, byte[] Content);
