using Bulkhead.Host;

namespace Bulkhead.Cli.Machines;

/// <summary>Where translations are kept for the next run.</summary>
internal static class CodeFolder
{
    internal static string Path => System.IO.Path.Combine(UserFolders.Cache, "code");
}
