using Bulkhead.Images;

namespace Bulkhead.Cli.Machines;

/// <summary>A system of domains to run.</summary>
/// <param name="SystemPath">The absolute path of the system file, which is there.</param>
/// <param name="DurationNs">How long to run from the first line that shows the control domain running, or null for until it ends.</param>
/// <param name="Stats">Whether counters are printed at the end.</param>
/// <param name="Images">Where the images the file names are found.</param>
internal sealed record UpRequest(string SystemPath, long? DurationNs, bool Stats, ImageStore Images);
