using Bulkhead.Images;

namespace Bulkhead.Cli.Machines;

/// <summary>A system of domains to run.</summary>
/// <param name="SystemPath">The absolute path of the system file, which is there.</param>
/// <param name="DurationNs">How long to run from the control domain's first sample, or null for until it ends.</param>
/// <param name="Images">Where the images the file names are found.</param>
internal sealed record UpRequest(string SystemPath, long? DurationNs, ImageStore Images);
