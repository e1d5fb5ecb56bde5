using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files.Trees;

/// <summary>As whom this process works with files.</summary>
public static partial class UserIds
{
    /// <summary>The user's number.</summary>
    public static uint User => EffectiveUser();

    /// <summary>The group's number.</summary>
    public static uint Group => EffectiveGroup();

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint EffectiveGroup();
}
