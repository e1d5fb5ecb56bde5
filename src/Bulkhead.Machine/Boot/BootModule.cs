using Bulkhead.Host.Files;

namespace Bulkhead.Machine.Boot;

/// <summary>A file that is handed to the kernel beside it.</summary>
/// <param name="Path">The file's path.</param>
/// <param name="Words">Words for it, or none.</param>
/// <param name="Bytes">What is in it; the caller disposes it.</param>
internal sealed record BootModule(string Path, string Words, FileBytes Bytes);
