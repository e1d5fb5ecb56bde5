namespace Bulkhead.Host;

/// <summary>Where a user's files lie.</summary>
/// <remarks><i>Source</i>: XDG Base Directory Specification 0.8, "Environment variables".</remarks>
public static class UserFolders
{
    /// <summary>What can be made again.</summary>
    public static string Cache => Find("XDG_CACHE_HOME", ".cache");

    /// <summary>What a run leaves for the next one.</summary>
    public static string State => Find("XDG_STATE_HOME", ".local/state");

    /// <summary>What the user would miss.</summary>
    public static string Data => Find("XDG_DATA_HOME", ".local/share");

    // A relative path in the environment is to be ignored, says the specification.
    private static string Find(string variable, string belowHome)
    {
        string root = Environment.GetEnvironmentVariable(variable) ?? string.Empty;
        if (!Path.IsPathRooted(root))
        {
            // Also one that is not there yet, or is not to be: nothing of a user's goes where others can write.
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
            root = home.Length > 0 ? Path.Combine(home, belowHome) : throw new OperatorException($"This user has no home; set HOME or {variable}.", 2);
        }

        return Path.Combine(root, "bulkhead");
    }
}
